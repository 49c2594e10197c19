namespace Checkpointer.Integration.Tests;

/// <summary>Two checkpoints of one workload at once, and a person who changes their mind.</summary>
public sealed class BusyWorkloadTests(FaultBench bench) : IClassFixture<FaultBench>
{
    [Theory]
    [InlineData("prepare")]
    [InlineData("dump")]
    [InlineData("commit")]
    public async Task A_second_checkpoint_of_a_workload_is_refused_while_the_first_goes_on(string phase)
    {
        await bench.TakeAsync();
        // Leave-running commits after the thaw: the workload runs then, and is still somebody's.
        await using var run = FaultRun.Start(bench.Lab, new FaultPlan { PauseAtPhase = phase, Checkpoint = bench.Checkpoint(leaveRunning: true) });
        await run.PausedAsync(phase);

        (await bench.Lab.CheckpointerAsync("checkpoint", "--pid", $"{bench.Counter.Pid}", "--embedded", "--json")).MustSay(1, "workload-busy");

        run.Resume();
        var first = (await run.EndAsync()).MustSucceed().Checkpoint!;
        Assert.True(first.Durable && first.WorkloadRunning);
        await bench.Counter.MustBeUnharmedAsync(bench.Lab);
        await bench.Lab.MustBeCleanAsync();
        bench.GiveBack();
    }

    [Fact]
    public async Task A_second_checkpoint_of_a_frozen_workload_is_refused_and_the_first_ends_it()
    {
        await bench.TakeAsync();
        await using var run = FaultRun.Start(bench.Lab, new FaultPlan { PauseAtPhase = "commit", Checkpoint = bench.Checkpoint() });
        await run.PausedAsync("commit");

        (await bench.Lab.CheckpointerAsync("checkpoint", "--pid", $"{bench.Counter.Pid}", "--embedded", "--json")).MustSay(1, "workload-busy");

        run.Resume();
        var first = (await run.EndAsync()).MustSucceed().Checkpoint!;
        Assert.False(Processes.IsAlive(bench.Counter.Pid));
        await Soundness.MustLeaveNothingInTheKernelAsync(bench.Lab, []);
        await bench.Lab.MustBeCleanAsync();
        await bench.Lab.MustRestoreAsync(bench.Counter, first.Snapshot);
    }

    [Fact]
    public async Task Interrupting_a_dump_ends_with_the_workload_running()
    {
        await bench.TakeAsync();
        await using var run = BackgroundRun.Checkpointer(bench.Lab, "checkpoint", "--pid", $"{bench.Counter.Pid}", "--embedded", "--json");
        // CRIU is held, so that the dump cannot be over before the signal arrives.
        var criu = 0;
        await Eventually.TrueAsync("CRIU", TimeSpan.FromSeconds(30), () => (criu = bench.Lab.Helpers("criu").FirstOrDefault()) != 0);
        Signals.Send(criu, Signals.Stop);
        Signals.Send(run.Pid, Signals.Interrupt);
        await Task.Delay(TimeSpan.FromMilliseconds(300), TestContext.Current.CancellationToken);
        Signals.Send(criu, Signals.Continue);

        var outcome = await run.EndAsync();

        outcome.MustExit(130);
        Assert.Equal("cancelled", outcome.ErrorCode);
        Assert.True(outcome.Json.GetProperty("error").GetProperty("workloadRunning").GetBoolean());
        await bench.Counter.MustBeUnharmedAsync(bench.Lab);
        await bench.Lab.MustBeCleanAsync();
        bench.GiveBack();
    }
}
