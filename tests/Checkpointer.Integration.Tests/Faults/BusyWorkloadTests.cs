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
    public async Task Of_two_checkpoints_that_start_at_once_each_succeeds_or_is_refused()
    {
        await bench.TakeAsync();
        string[] arguments = ["checkpoint", "--pid", $"{bench.Counter.Pid}", "--leave-running", "--embedded", "--json"];
        var outcomes = await Task.WhenAll(bench.Lab.CheckpointerAsync(arguments), bench.Lab.CheckpointerAsync(arguments));

        foreach (var refused in outcomes.Where(o => o.ExitCode != 0))
        {
            refused.MustSay(1, "workload-busy");
        }

        var made = outcomes.Where(o => o.ExitCode == 0).Select(o => o.Json.GetProperty("snapshot").GetString()!).Order().ToList();
        Assert.NotEmpty(made);
        Assert.Equal(made, (await bench.Lab.SnapshotsAsync()).Except(bench.Before).Select(s => s.Id).Order());
        await bench.Counter.MustBeUnharmedAsync(bench.Lab);
        await bench.Lab.MustBeCleanAsync();
        bench.GiveBack();
    }

    [Fact]
    public async Task Of_two_checkpoints_that_end_the_workload_one_does()
    {
        await bench.TakeAsync();
        string[] arguments = ["checkpoint", "--pid", $"{bench.Counter.Pid}", "--embedded", "--json"];
        var outcomes = await Task.WhenAll(bench.Lab.CheckpointerAsync(arguments), bench.Lab.CheckpointerAsync(arguments));

        var ended = Assert.Single(outcomes, o => o.ExitCode == 0).Json;
        Assert.Contains(Assert.Single(outcomes, o => o.ExitCode != 0).ErrorCode, (string[])["workload-busy", "pid-not-found", "pid-is-zombie"]);
        Assert.Equal(ended.GetProperty("snapshot").GetString(), Assert.Single((await bench.Lab.SnapshotsAsync()).Except(bench.Before)).Id);
        await bench.Lab.MustBeCleanAsync();
        await bench.Lab.MustRestoreAsync(bench.Counter, ended.GetProperty("snapshot").GetString()!);
    }

    [Fact]
    public async Task Interrupting_a_dump_ends_with_the_workload_running()
    {
        await bench.TakeAsync();
        // CRIU is held, so that the dump cannot be over before the signal has arrived.
        var held = await HeldCriu.CreateAsync(bench.Lab.Directory);
        bench.Lab.Environment["CHECKPOINTER_CRIU"] = held.Path;
        await using var run = BackgroundRun.Checkpointer(bench.Lab, "checkpoint", "--pid", $"{bench.Counter.Pid}", "--embedded", "--json");
        bench.Lab.Environment.Remove("CHECKPOINTER_CRIU");
        var criu = await held.PidAsync(run.MustRun);
        Signals.Send(run.Pid, Signals.Interrupt);
        await run.SaysAsync("cancelling");
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
