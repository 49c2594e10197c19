using System.Globalization;

namespace Checkpointer.Integration.Tests;

/// <summary>What a restored tree says at its end, and on the way there, reaches whoever waits for it.</summary>
public sealed class RestoredTreeTests
{
    private const int StopCode = 42;
    private const int SignalCode = 128;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("asked over TCP", StopCode)]
    [InlineData("SIGTERM to the one who waits", StopCode)]
    [InlineData("SIGKILL to the tree", SignalCode + Signals.Kill)]
    public async Task The_exit_of_a_restored_tree_arrives(string how, int code)
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 8);
        var snapshot = await lab.CheckpointAsync(counter.Pid);
        await using var waiting = BackgroundRun.Checkpointer(lab, "restore", snapshot.Id, "--embedded", "--wait");
        // Only after the restore is the tree what it will be, and are signals handed on; before it they would cancel.
        await waiting.PrintsAsync("operation");
        await counter.MustCountAsync(Limit);
        var owner = Assert.Single(lab.Helpers("checkpointer-init"));

        switch (how)
        {
            case "asked over TCP":
                await counter.AskAsync("stop");
                break;
            case "SIGTERM to the one who waits":
                Signals.Send(waiting.Pid, Signals.Terminate);
                break;
            default:
                Signals.Send(Assert.Single(Processes.TreeOf(owner), pid => Processes.ParentOf(pid) == owner), Signals.Kill);
                break;
        }

        (await waiting.EndAsync(Limit)).MustExit(code);
        await Eventually.TrueAsync("the end of the owner", Limit, () => !Processes.IsAlive(owner));
        // Nobody can leave the cgroup that it is in and remove it; the next start does.
        await FaultRun.RecoverAsync(lab);
        Assert.Empty(RestoreCgroups.Of(lab));
    }

    [Fact]
    public async Task What_a_restored_tree_writes_to_a_pipe_that_is_gone_arrives_in_its_log()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var pidFile = Path.Combine(lab.Directory, "tick.pid");
        // The reader of the pipe is outside of the tree, and the tree is a session of its own.
        const string Script = "setsid sh -c 'echo $$ >\"$1.new\"; mv \"$1.new\" \"$1\"; i=0; while :; do i=$((i+1)); echo tick $i; sleep 0.1; done' sh \"$1\" </dev/null 2>&1 | cat >\"$2\"";
        await using var reader = BackgroundRun.Start(lab, "/bin/sh", "-c", Script, "sh", pidFile, Path.Combine(lab.Directory, "tick.out"));
        var pid = int.Parse(
            await Eventually.ValueAsync("the pid of the ticker", Limit, () => File.Exists(pidFile) ? File.ReadAllText(pidFile) : null), CultureInfo.InvariantCulture);
        lab.Track(pid);
        await Eventually.TrueAsync("ticks", Limit, () => Last(Path.Combine(lab.Directory, "tick.out")) > 3);

        var snapshot = await lab.CheckpointAsync(pid);
        await reader.EndAsync(Limit);
        var before = Last(Path.Combine(lab.Directory, "tick.out"));
        var restored = await lab.RestoreAsync(snapshot.Id);

        await Eventually.TrueAsync("ticks in the log", Limit, () => Last(restored.Log) > before + 3);
        // It goes on where it stopped: no tick came twice, none is missing.
        Assert.Equal($"tick {before + 1}", (await File.ReadAllLinesAsync(restored.Log, TestContext.Current.CancellationToken))[0]);
    }

    /// <summary>The number of the last whole tick.</summary>
    private static int Last(string path) =>
        File.Exists(path) && File.ReadAllText(path).Split('\n') is [.., var line, _] ? int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture) : 0;
}
