namespace Checkpointer.Integration.Tests;

/// <summary>The workload ends after it was inspected, and its pid becomes another's before CRIU comes.</summary>
public sealed class ReusedPidTests
{
    [Fact]
    public async Task A_workload_that_ends_before_the_dump_is_told_as_gone()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 16);
        await using var run = await PausedAsync(lab, counter.Pid);
        await EndTreeAsync(counter.Pid);
        run.Resume();

        var outcome = await run.EndAsync();

        outcome.Outcome.MustExit(1);
        Assert.Equal("gone", outcome.Report!.Error!.WorkloadState);
        Assert.False(outcome.Report.Error.WorkloadRunning);
        Assert.Empty(await lab.SnapshotsAsync());
        await lab.MustBeCleanAsync();
        await Soundness.MustLeaveNothingInTheKernelAsync(lab, []);
    }

    [Fact]
    public async Task A_stranger_with_the_workloads_pid_is_neither_stored_nor_harmed()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var counter = await CounterWorkload.StartAsync(lab, mebibytes: 16);
        await using var run = await PausedAsync(lab, counter.Pid);
        await EndTreeAsync(counter.Pid);
        await Eventually.TrueAsync("the pid to be free", TimeSpan.FromSeconds(60), () => Processes.State(counter.Pid) is null);
        await using var taker = BackgroundRun.Start(lab, Installation.NeedProgram("python3"), Script("takepid.py"), $"{counter.Pid}");
        await Eventually.TrueAsync("an answer", TimeSpan.FromSeconds(60), () => taker.Output.Length > 0);
        Assert.SkipUnless(taker.Output.StartsWith("taken", StringComparison.Ordinal), "somebody else took the pid");
        lab.Track(counter.Pid);
        var stranger = Processes.StartTimeOf(counter.Pid);
        run.Resume();

        var outcome = await run.EndAsync();

        outcome.Outcome.MustExit(1);
        Assert.Empty(await lab.SnapshotsAsync());
        Assert.Equal(stranger, Processes.StartTimeOf(counter.Pid));
        Assert.True(Processes.IsAlive(counter.Pid));
        Assert.Equal(0, Processes.TracerOf(counter.Pid));
        Assert.NotEqual('T', Processes.State(counter.Pid));
        await lab.MustBeCleanAsync();
    }

    private static async Task<FaultRun> PausedAsync(Lab lab, int pid)
    {
        var run = FaultRun.Start(lab, new FaultPlan { PauseAtPhase = "dump", Checkpoint = new CheckpointPlan { Pid = pid } });
        await run.PausedAsync("dump");
        return run;
    }

    private static async Task EndTreeAsync(int root)
    {
        foreach (var pid in Processes.TreeOf(root).Where(Processes.IsAlive))
        {
            await Signals.KillAsync(pid);
        }
    }

    private static string Script(string name) => Path.Combine(Installation.Root, "tests", "Checkpointer.Integration.Tests", "Faults", "Support", name);
}
