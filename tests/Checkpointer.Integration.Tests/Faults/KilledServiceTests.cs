using System.Text.Json;

namespace Checkpointer.Integration.Tests;

/// <summary>The node service is killed (SIGKILL) while it works, and started again: nothing is lost, and nobody else need do anything.</summary>
public sealed class KilledServiceTests
{
    private const int KillAttempts = 5;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_service_killed_during_a_dump_leaves_the_workload_running()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 16);
        var held = await HeldCriu.CreateAsync(lab.Directory);
        var node = await NodeProcess.StartAsync(lab, held.Path);
        await using var run = BackgroundRun.Checkpointer(lab, "checkpoint", "--pid", $"{counter.Pid}", "--json");
        // CRIU is held, and then the service, so that the dump begins and cannot be over before the service is killed.
        var criu = await held.PidAsync(run.MustRun);
        await Eventually.TrueAsync("an entry of the dump", Limit, () => JournalFile.Phase(lab) == "dump" || run.MustRun());
        Signals.Send(node.Pid, Signals.Stop);
        Signals.Send(criu, Signals.Continue);
        await Eventually.TrueAsync("CRIU to hold the workload", Limit, () => Processes.TracerOf(counter.Pid) != 0 || run.MustRun());
        await node.KillAsync();

        (await run.EndAsync()).MustSay(6, "service-lost");
        await node.StartAgainAsync();

        await counter.MustBeUnharmedAsync(lab);
        await lab.MustBeCleanAsync();
        Assert.Empty(await lab.SnapshotsAsync());
        Assert.Equal([($"pid {counter.Pid}", "interrupted", "rolled-back", "running")], await OperationsAsync(lab));
        // And the service does its work again.
        (await lab.CheckpointerAsync("checkpoint", "--pid", $"{counter.Pid}", "--leave-running", "--json")).MustSucceed();
        await counter.MustBeUnharmedAsync(lab);
    }

    [Fact]
    public async Task A_service_killed_while_it_looks_at_the_workload_has_touched_nothing()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 16);
        var node = await NodeProcess.StartAsync(lab, await SlowCheckAsync(lab));
        await using var run = BackgroundRun.Checkpointer(lab, "checkpoint", "--pid", $"{counter.Pid}", "--json");
        await Eventually.TrueAsync("the question to CRIU", Limit, () => File.Exists(Path.Combine(lab.Directory, "asked")) || run.MustRun());
        await node.KillAsync();

        (await run.EndAsync()).MustSay(6, "service-lost");
        await node.StartAgainAsync();

        await counter.MustBeUnharmedAsync(lab);
        await lab.MustBeCleanAsync();
        Assert.Empty(await lab.SnapshotsAsync());
    }

    [Fact]
    public async Task A_service_killed_with_an_operation_in_its_queue_has_touched_only_the_first()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var first = await CounterWorkload.StartAsync(lab, mebibytes: 16);
        var sleeper = await lab.StartAsync(Path.Combine(lab.Directory, "sleeper.out"), "sleep", "600");
        var held = await HeldCriu.CreateAsync(lab.Directory);
        var node = await NodeProcess.StartAsync(lab, held.Path, maxConcurrent: 1);
        await using var running = BackgroundRun.Checkpointer(lab, "checkpoint", "--pid", $"{first.Pid}", "--json");
        var criu = await held.PidAsync(running.MustRun);
        await using var waiting = BackgroundRun.Checkpointer(lab, "checkpoint", "--pid", $"{sleeper}", "--json");
        await Eventually.TrueAsync("the second operation", Limit, () => node.Log.Contains($"pid {sleeper}", StringComparison.Ordinal) || waiting.MustRun());
        await node.KillAsync();
        Signals.Send(criu, Signals.Continue);

        (await running.EndAsync()).MustSay(6, "service-lost");
        (await waiting.EndAsync()).MustSay(6, "service-lost");
        await node.StartAgainAsync();

        await first.MustBeUnharmedAsync(lab);
        Assert.True(Processes.IsAlive(sleeper));
        Assert.Empty(await lab.SnapshotsAsync());
        await lab.MustBeCleanAsync();
        Assert.Equal(
            [($"pid {first.Pid}", "interrupted", "rolled-back", "running"), ($"pid {sleeper}", "interrupted", null, "untouched")], await OperationsAsync(lab));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_service_killed_during_a_commit_leaves_the_workload_running_or_restorable(bool leaveRunning)
    {
        // The phase is short: a kill that came too late has shown nothing of it, and is tried again with a new workload.
        for (var i = 0; i < KillAttempts; i++)
        {
            if (await IsKilledInCommitAsync(leaveRunning))
            {
                return;
            }
        }

        Assert.Fail($"none of {KillAttempts} kills struck in the phase commit");
    }

    [Fact]
    public async Task A_service_killed_during_a_restore_leaves_no_half_restored_tree()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 16);
        var snapshot = (await lab.CheckpointAsync(counter.Pid)).Id;
        var held = await HeldCriu.CreateAsync(lab.Directory);
        var node = await NodeProcess.StartAsync(lab, held.Path);
        await using var run = BackgroundRun.Checkpointer(lab, "restore", snapshot, "--json");
        var criu = await held.PidAsync(run.MustRun);
        await node.KillAsync();
        // What recovery or its own owner does not end goes on now.
        Signals.TrySend(criu, Signals.Continue);

        (await run.EndAsync()).MustSay(6, "service-lost");
        await node.StartAgainAsync();

        Assert.Empty(lab.Helpers("criu", "checkpointer-init"));
        await lab.MustBeCleanAsync();
        await lab.MustRestoreAsync(counter, snapshot);
    }

    [Fact]
    public async Task A_restored_tree_outlives_its_service_and_is_known_to_the_next_one()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 16);
        var first = await lab.CheckpointAsync(counter.Pid);
        var node = await NodeProcess.StartAsync(lab);
        var pid = (await lab.CheckpointerAsync("restore", first.Id, "--json")).MustSucceed().Json.GetProperty("pid").GetInt32();
        await counter.MustBeUnharmedAsync(lab, pid);

        await node.KillAsync();
        await counter.MustBeUnharmedAsync(lab, pid);
        await node.StartAgainAsync();
        await counter.MustBeUnharmedAsync(lab, pid);

        var second = (await lab.CheckpointerAsync("checkpoint", "--pid", $"{pid}", "--json")).MustSucceed().Json;
        Assert.Equal(first.Lineage, second.GetProperty("lineage").GetString());
        Assert.Equal(2, second.GetProperty("generation").GetInt64());
        Assert.False(Processes.IsAlive(pid));
    }

    /// <summary>What the service tells of its operations: subject, outcome, what recovery made of it, and the workload's state.</summary>
    private static async Task<List<(string? Subject, string? Outcome, string? Recovery, string? Workload)>> OperationsAsync(Lab lab)
    {
        var listed = (await lab.CheckpointerAsync("operations", "--json")).MustSucceed().Json.GetProperty("operations");
        return
        [
            .. listed.EnumerateArray().Select(static o => (
                o.GetProperty("subject").GetString(),
                o.GetProperty("outcome").GetString(),
                o.GetProperty("recovery") is { ValueKind: JsonValueKind.Object } recovery ? recovery.GetProperty("outcome").GetString() : null,
                o.GetProperty("error").GetProperty("workloadState").GetString())),
        ];
    }

    /// <summary>False: the operation was over before the service was killed.</summary>
    private static async Task<bool> IsKilledInCommitAsync(bool leaveRunning)
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 96);
        var node = await NodeProcess.StartAsync(lab);
        await using var run = BackgroundRun.Checkpointer(
            lab, ["checkpoint", "--pid", $"{counter.Pid}", "--json", .. leaveRunning ? (string[])["--leave-running"] : []]);
        await Eventually.TrueAsync("the phase commit", Limit, () => JournalFile.Phase(lab) == "commit" || run.HasEnded, TimeSpan.FromMilliseconds(1));
        await node.KillAsync();
        var struck = JournalFile.Phase(lab) == "commit";
        var outcome = await run.EndAsync();
        if (struck || outcome.ExitCode != 0)
        {
            outcome.MustSay(6, "service-lost");
        }

        await node.StartAgainAsync();

        await MustRunOrRestoreAsync(lab, counter, leaveRunning);
        await lab.MustBeCleanAsync();
        return struck;
    }

    private static async Task MustRunOrRestoreAsync(Lab lab, CounterWorkload counter, bool leaveRunning)
    {
        var snapshot = (await lab.SnapshotsAsync()).SingleOrDefault();
        if (Processes.IsAlive(counter.Pid))
        {
            await counter.MustBeUnharmedAsync(lab);
            Assert.True(snapshot is null || snapshot.Superseded == !leaveRunning, "a snapshot that its workload outlived is not marked, or one is that was to be so");
            return;
        }

        Assert.False(leaveRunning, "the workload was to run on");

        Assert.NotNull(snapshot);
        await lab.MustRestoreAsync(counter, snapshot.Id);
    }

    /// <summary>A CRIU that thinks about the first question of what it can do: the service waits for it in its inspection.</summary>
    private static async Task<string> SlowCheckAsync(Lab lab)
    {
        var path = Path.Combine(lab.Directory, "criu");
        await File.WriteAllTextAsync(
            path,
            $"#!/bin/sh\nif [ \"$1\" = check ] && ! [ -e {lab.Directory}/asked ]; then touch {lab.Directory}/asked; sleep 20; fi\nexec {Installation.Criu} \"$@\"\n",
            TestContext.Current.CancellationToken);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }
}
