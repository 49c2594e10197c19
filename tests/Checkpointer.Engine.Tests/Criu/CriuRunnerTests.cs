using System.Diagnostics;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.Criu;

public sealed class CriuRunnerTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly TemporaryDirectory _directory = new();
    private int _pid;

    public void Dispose()
    {
        _directory.Dispose();
    }

    [Fact]
    public async Task The_exit_code_and_both_outputs_are_kept()
    {
        CriuResult result = await new CriuRunner().RunAsync(Run("echo out; echo err >&2; exit 3"), default);

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("out", result.Stderr, StringComparison.Ordinal);
        Assert.Contains("err", result.Stderr, StringComparison.Ordinal);
        Assert.True(_pid > 0);
    }

    [Fact]
    public async Task The_environment_is_fixed_and_holds_what_was_added()
    {
        Environment.SetEnvironmentVariable("CHECKPOINTER_TEST_LEAK", "leak");
        CriuResult result = await new CriuRunner().RunAsync(
            Run("/usr/bin/env") with { Environment = new Dictionary<string, string?> { ["HOOK"] = "here" } }, default);

        Assert.Contains("HOOK=here", result.Stderr, StringComparison.Ordinal);
        Assert.Contains("PATH=" + CriuEnvironment.SearchPath, result.Stderr, StringComparison.Ordinal);
        Assert.DoesNotContain("LEAK", result.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_runs_in_a_session_of_its_own_so_that_a_key_at_the_terminal_does_not_reach_it()
    {
        CriuResult result = await new CriuRunner().RunAsync(Run("cut -d' ' -f6 /proc/$$/stat; echo $$"), default);

        string[] lines = result.Stderr.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(lines[1], lines[0]);
    }

    [Fact]
    public async Task A_prefix_command_comes_first()
    {
        CriuResult result = await new CriuRunner().RunAsync(Run("echo \"$MARK\"") with { PrefixCommand = ["/usr/bin/env", "MARK=prefixed"] }, default);

        Assert.Contains("prefixed", result.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_output_than_the_bound_is_read_away()
    {
        CriuResult result = await new CriuRunner().RunAsync(Run("head -c 3000000 /dev/zero | tr '\\0' x"), default);

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(BoundedOutput.MaximumBytes, result.Stderr.Length);
    }

    [Fact]
    public async Task A_grandchild_that_keeps_the_output_open_does_not_hold_us()
    {
        Stopwatch clock = Stopwatch.StartNew();
        CriuResult result = await new CriuRunner().RunAsync(Run("sleep 600 & echo $!"), default);

        Assert.True(clock.Elapsed < Patience);
        using PidFd? sleeper = PidFd.Open(int.Parse(result.Stderr.Trim(), System.Globalization.CultureInfo.InvariantCulture));
        sleeper?.Signal(Signals.Kill);
    }

    [Fact]
    public async Task A_cancelled_run_may_end_by_itself()
    {
        CriuRun run = Run("trap 'echo terminated > term' TERM; touch ready; sleep 1; echo cured > done");

        await CancelWhenReadyAsync(new CriuRunner { CloseGrace = Patience }, run);

        Assert.True(File.Exists(_directory.File("done")));
        Assert.False(File.Exists(_directory.File("term")));
    }

    [Fact]
    public async Task One_that_goes_on_is_asked_to_end()
    {
        CriuRun run = Run("trap 'echo terminated > term; exit 0' TERM; touch ready; while :; do sleep 0.05; done");

        await CancelWhenReadyAsync(new CriuRunner { CloseGrace = Soon, TerminateGrace = Patience }, run);

        Assert.True(File.Exists(_directory.File("term")));
        Assert.Null(ProcStat.Read(_pid));
    }

    [Fact]
    public async Task One_that_does_not_listen_is_killed_in_the_end()
    {
        CriuRun run = Run("trap '' TERM; touch ready; while :; do sleep 0.05; done");

        await CancelWhenReadyAsync(new CriuRunner { CloseGrace = Soon, TerminateGrace = Soon }, run);

        Assert.Null(ProcStat.Read(_pid));
    }

    [Fact]
    public async Task One_that_the_kernel_holds_is_not_waited_for_without_end()
    {
        Assert.SkipUnless(Cgroup.Mode is CgroupMode.Legacy or CgroupMode.Hybrid, "needs the freezer of version 1, which holds killed tasks");
        using TemporaryCgroup cgroup = TemporaryCgroup.Create();
        using CancellationTokenSource cancel = new();
        CriuRun run = Run("exec sleep 600") with
        {
            OnStarted = pid =>
            {
                cgroup.Cgroup.Join(_pid = pid);
                Assert.True(cgroup.Cgroup.Freeze(Patience, default));
                cancel.Cancel();
            },
        };
        CriuRunner runner = new() { CloseGrace = Soon, TerminateGrace = Soon, KillGrace = Soon };

        OperationFailedException stuck = await Assert.ThrowsAsync<OperationFailedException>(() => runner.RunAsync(run, cancel.Token));

        Assert.Equal("criu-stuck", stuck.Code);
        Assert.NotNull(ProcStat.Read(_pid));
    }

    /// <summary>Cancels it when the script is where it made the file <c>ready</c>, not before.</summary>
    private async Task CancelWhenReadyAsync(CriuRunner runner, CriuRun run)
    {
        using CancellationTokenSource cancel = new();
        Task<CriuResult> running = runner.RunAsync(run, cancel.Token);
        bool ready = await Task.Run(() => SpinWait.SpinUntil(() => File.Exists(_directory.File("ready")) || running.IsCompleted, Patience));
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.True(ready, "the script never came so far");
    }

    private CriuRun Run(string script)
    {
        return new CriuRun
        {
            Criu = new CriuInstallation("/bin/sh", CriuLocator.MinimumVersion, ""),
            Arguments = ["-c", script],
            WorkDirectory = _directory.Path,
            LogPath = _directory.File("dump.log"),
            OnStarted = pid => _pid = pid,
        };
    }
}
