namespace Checkpointer.Integration.Tests;

/// <summary>CRIU or its hook dies, or the hook finds nobody: the workload is brought back, whatever they left in the kernel.</summary>
public sealed class KilledHelperTests(FaultBench bench) : IClassFixture<FaultBench>
{
    [Fact]
    public async Task Criu_killed_while_it_waits_for_the_commit_leaves_no_trace_on_the_workload()
    {
        await bench.TakeAsync();
        await using var run = FaultRun.Start(bench.Lab, new FaultPlan { PauseAtPhase = "commit", Checkpoint = bench.Checkpoint() });
        await run.PausedAsync("commit");
        await KillCriuAsync();
        // What has to be mended: without this the test would show nothing.
        Assert.True(await Soundness.IsLockedAsync(bench.Lab), "CRIU left no firewall table");
        run.Resume();

        var error = (await run.EndAsync()).MustFail(1, "criu-killed");

        Assert.Equal("running", error.WorkloadState);
        Assert.False(error.SnapshotDurable);
        await MustBeSoundAsync(superseded: null);
    }

    [Fact]
    public async Task Criu_killed_in_the_middle_of_the_pages_leaves_the_workload_running()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 64);
        var request = new CheckpointPlan { Pid = counter.Pid, MemoryBytes = 32L << 20 };
        await using var run = FaultRun.Start(lab, new FaultPlan { StallObject = "packs/", Checkpoint = request });
        await run.StruckAsync();
        Assert.NotEqual(0, Processes.TracerOf(counter.Pid));
        await counter.MustStandStillAsync();
        Assert.Equal("dump", JournalFile.Phase(lab));
        await Signals.KillAsync(Assert.Single(lab.Helpers("criu")));

        var error = (await run.EndAsync()).MustFail(1, "criu-killed");

        Assert.Equal("running", error.WorkloadState);
        await counter.MustBeUnharmedAsync(lab);
        await lab.MustBeCleanAsync();
        Assert.Empty(await lab.SnapshotsAsync());
    }

    [Fact]
    public async Task Criu_and_engine_killed_together_are_mended_by_the_next_start()
    {
        await bench.TakeAsync();
        await using var run = FaultRun.Start(bench.Lab, new FaultPlan { PauseAtPhase = "commit", Checkpoint = bench.Checkpoint() });
        await run.PausedAsync("commit");
        await KillCriuAsync();
        await Signals.KillAsync(run.Pid);
        Assert.True(await Soundness.IsLockedAsync(bench.Lab), "CRIU left no firewall table");

        var recovered = Assert.Single(await FaultRun.RecoverAsync(bench.Lab));

        Assert.Equal("rolled-back", recovered.Outcome);
        await MustBeSoundAsync(superseded: null);
    }

    [Fact]
    public async Task A_hook_that_is_killed_makes_criu_resume_the_workload()
    {
        await bench.TakeAsync();
        await using var run = FaultRun.Start(bench.Lab, new FaultPlan { PauseAtPhase = "commit", Checkpoint = bench.Checkpoint() });
        await run.PausedAsync("commit");
        await Signals.KillAsync(Assert.Single(bench.Lab.Helpers("checkpointer-hook")));
        run.Resume();

        var error = (await run.EndAsync()).MustFail(1, "hook-refused");

        Assert.Equal("running", error.WorkloadState);
        await MustBeSoundAsync(superseded: error.SnapshotDurable == true ? true : null);
    }

    [Fact]
    public async Task A_hook_that_finds_nobody_makes_criu_resume_the_workload()
    {
        await bench.TakeAsync();
        await using var run = FaultRun.Start(bench.Lab, new FaultPlan { PauseAtPhase = "dump", Checkpoint = bench.Checkpoint() });
        await run.PausedAsync("dump");
        var socket = run.HookSocket;
        Assert.True(File.Exists(socket));
        File.Delete(socket);
        run.Resume();

        var error = (await run.EndAsync()).MustFail(1, "hook-refused");

        Assert.Equal("running", error.WorkloadState);
        Assert.False(error.SnapshotDurable);
        await MustBeSoundAsync(superseded: null);
    }

    private Task KillCriuAsync() => Signals.KillAsync(Assert.Single(bench.Lab.Helpers("criu")));

    /// <summary>The workload is unharmed; the newest snapshot is superseded, or (null) none was made.</summary>
    private async Task MustBeSoundAsync(bool? superseded)
    {
        await bench.Counter.MustBeUnharmedAsync(bench.Lab);
        await bench.Lab.MustBeCleanAsync();
        var made = (await bench.Lab.SnapshotsAsync()).Except(bench.Before).ToList();
        Assert.Equal(superseded, made.SingleOrDefault()?.Superseded);
        bench.GiveBack();
    }
}
