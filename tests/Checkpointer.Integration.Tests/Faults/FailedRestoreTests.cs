namespace Checkpointer.Integration.Tests;

/// <summary>A restore fails at any point: nothing of it is left, the snapshot is untouched and restores right afterwards.</summary>
public sealed class FailedRestoreTests(RestoreBench bench) : IClassFixture<RestoreBench>
{
    private const double SlowReads = 10;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("load", null)]
    [InlineData("prepare", null)]
    [InlineData("restore", "tree-killed")]
    public async Task An_engine_that_is_killed_leaves_no_half_restored_tree(string phase, string? recoveredAs)
    {
        await bench.TakeAsync();
        (await FaultRun.RunAsync(bench.Lab, new FaultPlan { DieAtPhase = phase, Restore = bench.Restore })).MustBeKilled();

        var recovered = await FaultRun.RecoverAsync(bench.Lab);

        Assert.Equal(recoveredAs, recovered.SingleOrDefault()?.Outcome);
        await bench.MustHaveLeftNothingAsync();
        await bench.MustStillRestoreAsync();
    }

    [Fact]
    public async Task An_engine_that_is_killed_while_criu_restores_leaves_no_half_restored_tree()
    {
        await bench.TakeAsync();
        await using (var run = FaultRun.Start(bench.Lab, new FaultPlan { ReadDelaySeconds = SlowReads, Restore = bench.Restore }))
        {
            await RunningCriuAsync(run);
            await Signals.KillAsync(run.Pid);
        }

        Assert.Equal("tree-killed", Assert.Single(await FaultRun.RecoverAsync(bench.Lab)).Outcome);
        await bench.MustHaveLeftNothingAsync();
        await bench.MustStillRestoreAsync();
    }

    [Fact]
    public async Task An_engine_that_is_killed_after_the_tree_was_released_is_no_harm_to_it()
    {
        await bench.TakeAsync();
        (await FaultRun.RunAsync(bench.Lab, new FaultPlan { DieAtPhase = "verify", Restore = bench.Restore })).MustBeKilled();
        await bench.Counter.MustCountAsync();

        Assert.Equal("tree-adopted", Assert.Single(await FaultRun.RecoverAsync(bench.Lab)).Outcome);

        var root = bench.RestoredRoot();
        await bench.Counter.MustBeUnharmedAsync(bench.Lab, root);
        await bench.Lab.MustBeCleanAsync();
        // It is known as what it is: the next checkpoint goes on in its lineage.
        var next = await bench.Lab.CheckpointAsync(root);
        Assert.Equal(bench.Snapshot.Split('-')[0], next.Lineage);
        Assert.Equal(2, next.Generation);
    }

    [Fact]
    public async Task A_tree_that_cannot_be_written_down_runs_and_is_adopted_later()
    {
        await bench.TakeAsync();
        await using var run = FaultRun.Start(bench.Lab, new FaultPlan { PauseAtPhase = "verify", Restore = bench.Restore });
        await run.PausedAsync("verify");
        // No file can take the place of a directory.
        var record = Path.Combine(bench.Lab.StateDirectory, "trees", run.Operation, "tree.json");
        Directory.CreateDirectory(record);
        run.Resume();

        var restored = (await run.EndAsync()).MustSucceed().Restore!;

        Assert.Contains(restored.Findings, finding => finding.Code == "tree-not-recorded");
        await bench.Counter.MustBeUnharmedAsync(bench.Lab, restored.Pid);
        Directory.Delete(record);
        Assert.Equal("tree-adopted", Assert.Single(await FaultRun.RecoverAsync(bench.Lab)).Outcome);
        await bench.Counter.MustBeUnharmedAsync(bench.Lab, restored.Pid);
        await bench.Lab.MustBeCleanAsync();
        Assert.Equal(2, (await bench.Lab.CheckpointAsync(restored.Pid)).Generation);
    }

    [Fact]
    public async Task Criu_killed_in_a_restore_leaves_no_half_restored_tree()
    {
        await bench.TakeAsync();
        await using var run = FaultRun.Start(bench.Lab, new FaultPlan { ReadDelaySeconds = SlowReads, Restore = bench.Restore });
        await Signals.KillAsync(await RunningCriuAsync(run));

        var error = (await run.EndAsync()).MustFail(1, "criu-killed");

        Assert.True(error.SnapshotDurable);
        await bench.MustHaveLeftNothingAsync();
        await bench.MustStillRestoreAsync();
    }

    [Fact]
    public async Task The_owner_killed_in_a_restore_leaves_no_half_restored_tree()
    {
        await bench.TakeAsync();
        await using var run = FaultRun.Start(bench.Lab, new FaultPlan { ReadDelaySeconds = SlowReads, Restore = bench.Restore });
        await RunningCriuAsync(run);
        await Signals.KillAsync(Assert.Single(bench.Lab.Helpers("checkpointer-init")));

        var outcome = await run.EndAsync();

        Assert.Equal(1, outcome.Outcome.ExitCode);
        await bench.MustHaveLeftNothingAsync();
        await bench.MustStillRestoreAsync();
    }

    [Fact]
    public async Task A_hook_that_finds_nobody_kills_the_half_restored_tree()
    {
        await bench.TakeAsync();
        await using var run = FaultRun.Start(bench.Lab, new FaultPlan { PauseAtPhase = "restore", Restore = bench.Restore });
        await run.PausedAsync("restore");
        var socket = run.HookSocket;
        Assert.True(File.Exists(socket));
        File.Delete(socket);
        run.Resume();

        Assert.Equal(1, (await run.EndAsync()).Outcome.ExitCode);

        await bench.MustHaveLeftNothingAsync();
        await bench.MustStillRestoreAsync();
    }

    [Fact]
    public async Task A_restore_that_takes_longer_than_allowed_leaves_nothing()
    {
        await bench.TakeAsync();
        var outcome = await FaultRun.RunAsync(
            bench.Lab, new FaultPlan { ReadDelaySeconds = 60, Restore = bench.Restore with { TimeoutSeconds = 6 } });

        outcome.MustFail(1, "timeout");
        await bench.MustHaveLeftNothingAsync();
        await bench.MustStillRestoreAsync();
    }

    [Fact]
    public async Task A_store_that_stalls_in_a_restore_leaves_nothing()
    {
        await bench.TakeAsync();
        // On a slow machine the limit may expire before the store was asked at all: then nothing was shown, and it is tried again with a longer one.
        var limit = 4.0;
        var outcome = await RunAsync();
        while (outcome.Report?.Fired == 0 && limit < 64)
        {
            limit *= 4;
            outcome = await RunAsync();
        }

        outcome.MustFail(1, "stalled");
        Assert.True(outcome.Report!.Fired > 0, "the store did not stall");
        await bench.MustHaveLeftNothingAsync();
        await bench.MustStillRestoreAsync();

        Task<FaultOutcome> RunAsync() =>
            FaultRun.RunAsync(bench.Lab, new FaultPlan { ReadDelaySeconds = 5 * limit, StallLimitSeconds = limit, Restore = bench.Restore });
    }

    [Fact]
    public async Task An_entry_of_another_boot_is_closed_and_the_snapshot_restores()
    {
        await bench.TakeAsync();
        (await FaultRun.RunAsync(bench.Lab, new FaultPlan { DieAtPhase = "restore", Restore = bench.Restore })).MustBeKilled();
        var owner = Assert.Single(bench.Lab.Helpers("checkpointer-init"));
        JournalFile.Edit(bench.Lab, entry => entry["bootId"] = "00000000-0000-4000-8000-000000000000");

        Assert.Equal("closed-as-gone", Assert.Single(await FaultRun.RecoverAsync(bench.Lab)).Outcome);

        // A real boot would have ended it; here it waits for its start and would give up after a minute.
        await Signals.KillAsync(owner);
        await bench.Lab.MustBeCleanAsync();
        // What the cgroup of that restore was is removed by the next one.
        await bench.MustStillRestoreAsync();
        await bench.MustHaveLeftNothingAsync();
    }

    [Fact]
    public async Task Engine_and_owner_killed_in_a_restore_leave_no_half_restored_tree()
    {
        await bench.TakeAsync();
        await using (var run = FaultRun.Start(bench.Lab, new FaultPlan { ReadDelaySeconds = SlowReads, Restore = bench.Restore }))
        {
            await RunningCriuAsync(run);
            // Held, so that it does not end by itself when the engine has gone.
            var owner = Assert.Single(bench.Lab.Helpers("checkpointer-init"));
            Signals.Send(owner, Signals.Stop);
            await Signals.KillAsync(run.Pid);
            await Signals.KillAsync(owner);
        }

        Assert.Equal("tree-killed", Assert.Single(await FaultRun.RecoverAsync(bench.Lab)).Outcome);
        await bench.MustHaveLeftNothingAsync();
        await bench.MustStillRestoreAsync();
    }

    [Fact]
    public async Task Nothing_is_said_of_cleaning_up_where_all_was_cleaned_up()
    {
        await bench.TakeAsync();
        // A CRIU that takes its owner with it: the engine finds nobody who could be told to end.
        var wrapper = Path.Combine(bench.Lab.Directory, "criu-and-owner-die");
        await File.WriteAllTextAsync(
            wrapper,
            $"#!/bin/sh\nif [ \"$1\" = restore ]; then kill -9 $PPID; exit 1; fi\nexec {Installation.Criu} \"$@\"\n",
            TestContext.Current.CancellationToken);
        File.SetUnixFileMode(wrapper, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        bench.Lab.Environment["CHECKPOINTER_CRIU"] = wrapper;

        var outcome = await bench.Lab.CheckpointerAsync("restore", bench.Snapshot, "--embedded", "--json");

        bench.Lab.Environment.Remove("CHECKPOINTER_CRIU");
        outcome.MustExit(1);
        Assert.DoesNotContain("could not be cleaned up", outcome.Stderr, StringComparison.Ordinal);
        await bench.MustHaveLeftNothingAsync();
        await bench.MustStillRestoreAsync();
    }

    [Fact]
    public async Task Orphans_of_a_restore_into_a_cgroup_that_a_person_named_are_ended_too()
    {
        await bench.TakeAsync();
        using var cgroup = new NamedCgroup();
        await using (var run = FaultRun.Start(
            bench.Lab, new FaultPlan { ReadDelaySeconds = SlowReads, Restore = bench.Restore with { Cgroup = cgroup.Name } }))
        {
            // All are held: none notices that the others are gone, and ends by itself.
            var criu = await RunningCriuAsync(run);
            var owner = Assert.Single(bench.Lab.Helpers("checkpointer-init"));
            Signals.Send(criu, Signals.Stop);
            Signals.Send(owner, Signals.Stop);
            await Signals.KillAsync(run.Pid);
            await Signals.KillAsync(owner);
            Assert.Contains(criu, cgroup.Members());
        }

        Assert.Equal("tree-killed", Assert.Single(await FaultRun.RecoverAsync(bench.Lab)).Outcome);
        Assert.Empty(cgroup.Members());
        await bench.MustHaveLeftNothingAsync();
        await bench.MustStillRestoreAsync();
    }

    /// <summary>CRIU once it is being served: it has built nothing whole yet.</summary>
    private async Task<int> RunningCriuAsync(FaultRun run)
    {
        var criu = 0;
        await run.StruckAsync();
        await Eventually.TrueAsync("CRIU", Limit, () => (criu = bench.Lab.Helpers("criu").FirstOrDefault()) != 0);
        // It asks for its first files meanwhile. The store takes far longer for each read, so it stays like this.
        await Task.Delay(TimeSpan.FromMilliseconds(500), TestContext.Current.CancellationToken);
        return criu;
    }
}
