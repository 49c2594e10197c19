using Checkpointer.Engine;
using Checkpointer.Engine.Gpu;

namespace Checkpointer.Gpu.Tests;

/// <summary>The driver answers late, wrong, never; processes that cannot be suspended; and the order of things.</summary>
public sealed class DriverAnswerTests : IDisposable
{
    private readonly SimulatedNode _node = new("answers", "h100", "gpus=1");

    public void Dispose() => _node.Dispose();

    [Fact]
    public async Task All_are_locked_before_the_first_is_checkpointed_and_all_are_restored_before_the_first_is_unlocked()
    {
        using var bench = new EngineBench(_node);
        using var first = new Sample(_node);
        using var second = new Sample(_node);
        using var journal = bench.OpenJournal("op-1", first, second);
        await using var suspension = bench.Suspend(journal, first, second);

        await suspension.SuspendAsync(CancellationToken.None);
        Assert.All(suspension.Record!.Processes, static p => Assert.InRange(p.Growth, 4L << 20, long.MaxValue));
        Assert.Equal("Checkpointed", journal.Entry.Gpu!.Step.ToString());
        Assert.Null(await suspension.ResumeAsync());

        var calls = _node.Control("log").Split('\n').Where(static l => l.Contains(" before ", StringComparison.Ordinal))
            .Select(static l => l.Split(' ')[0]).Where(static v => v != "state").ToList();
        Assert.Equal(["lock", "lock", "checkpoint", "checkpoint", "restore", "restore", "unlock", "unlock"], calls);
        first.AssertGoesOn();
        second.AssertGoesOn();
    }

    [Fact]
    public async Task A_late_answer_is_waited_for()
    {
        using var bench = new EngineBench(_node);
        using var sample = new Sample(_node);
        using var journal = bench.OpenJournal("op-1", sample);
        await using var suspension = bench.Suspend(journal, sample);
        foreach (var verb in new[] { "lock", "checkpoint", "restore", "unlock", "state" })
        {
            _node.Control($"fault {verb} after delay 700");
        }

        await suspension.SuspendAsync(CancellationToken.None);
        Assert.Null(await suspension.ResumeAsync());
        Assert.Equal(5, _node.Fired);
        sample.AssertGoesOn();
    }

    [Fact]
    public async Task Work_that_does_not_end_is_told_and_the_process_runs_on()
    {
        using var bench = new EngineBench(_node, gpu: _node.Options with { LockLimit = TimeSpan.FromMilliseconds(50) });
        _node.Control("set kernel-ms 2000");
        using var sample = new Sample(_node);
        using var journal = bench.OpenJournal("op-1", sample);
        await using var suspension = bench.Suspend(journal, sample);
        var error = await Assert.ThrowsAsync<OperationFailedException>(async () =>
        {
            // Between two kernels the lock may succeed.
            await suspension.SuspendAsync(CancellationToken.None);
            await suspension.ResumeAsync();
            await suspension.SuspendAsync(CancellationToken.None);
        });
        Assert.Equal("gpu-busy", error.Code);
        Assert.Null(await suspension.ResumeAsync());
        _node.Control("set kernel-ms 0");
        sample.AssertGoesOn();
    }

    [Theory]
    [InlineData("host-limit", "gpu-host-memory")]
    [InlineData("managed", "gpu-not-supported")]
    public async Task What_the_driver_cannot_is_told_and_the_process_runs_on(string why, string code)
    {
        using var bench = new EngineBench(_node);
        using var sample = new Sample(_node, why == "managed" ? "--managed" : "");
        _node.Control(why == "host-limit" ? "set host-limit 4096" : "clear");
        using var journal = bench.OpenJournal("op-1", sample);
        await using var suspension = bench.Suspend(journal, sample);
        Assert.Equal(code, (await Assert.ThrowsAsync<OperationFailedException>(() => suspension.SuspendAsync(CancellationToken.None))).Code);
        Assert.Null(await suspension.ResumeAsync());
        sample.AssertGoesOn();
    }

    [Fact]
    public async Task A_state_that_nobody_knows_is_left_alone_and_named()
    {
        using var bench = new EngineBench(_node);
        using var sample = new Sample(_node);
        using var journal = bench.OpenJournal("op-1", sample);
        await using var suspension = bench.Suspend(journal, sample);
        await suspension.SuspendAsync(CancellationToken.None);
        _node.Control("fault state after value 9");
        Assert.Contains("state 9", await suspension.ResumeAsync(), StringComparison.Ordinal);
        Assert.Equal((int)CudaState.Checkpointed, await bench.StateAsync(sample));

        // The driver speaks sense again: the next start brings it back.
        journal.Dispose();
        var recovered = Assert.Single((await bench.RecoverAsync()).Operations);
        Assert.NotEqual("attention", recovered.Outcome);
        sample.AssertGoesOn();
    }

    [Fact]
    public async Task A_call_of_which_nobody_knows_is_not_repeated_by_the_next_start_either()
    {
        using var bench = new EngineBench(_node);
        using var sample = new Sample(_node);
        using var journal = bench.OpenJournal("op-1", sample);
        await using var suspension = bench.Suspend(journal, sample);
        await suspension.SuspendAsync(CancellationToken.None);
        _node.Control("fault restore before die");
        Assert.NotNull(await suspension.ResumeAsync());
        journal.Dispose();
        var calls = _node.Control("log").Split('\n').Count(static l => l.StartsWith("restore before", StringComparison.Ordinal));
        Assert.Equal("attention", Assert.Single((await bench.RecoverAsync()).Operations).Outcome);
        Assert.Equal(calls, _node.Control("log").Split('\n').Count(static l => l.StartsWith("restore before", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_worker_that_is_killed_is_replaced()
    {
        using var bench = new EngineBench(_node);
        using var sample = new Sample(_node);
        await using var driver = new GpuDriver(bench.Services);
        Assert.True((await driver.HelloAsync()).IsDone);
        using (var worker = Platform.PidFd.Open(driver.Worker!.Pid)!)
        {
            worker.Signal(Platform.Signals.Kill);
            worker.WaitExit(TimeSpan.FromSeconds(5), CancellationToken.None);
        }

        Assert.Equal(GpuAnswerKind.Unknown, (await driver.StateAsync(sample.ToGpuProcess())).Kind);
        Assert.Equal((int)CudaState.Running, (await driver.StateAsync(sample.ToGpuProcess())).Number("state"));
    }

    [Fact]
    public async Task Orchestration_of_eight_processes_is_measured_apart_from_the_driver()
    {
        using var bench = new EngineBench(_node);
        var samples = Enumerable.Range(0, 8).Select(_ => new Sample(_node, mib: 1)).ToArray();
        try
        {
            using var journal = bench.OpenJournal("op-1", samples);
            await using var suspension = bench.Suspend(journal, samples);
            var start = TimeProvider.System.GetTimestamp();
            await suspension.SuspendAsync(CancellationToken.None);
            Assert.Null(await suspension.ResumeAsync());
            var all = TimeProvider.System.GetElapsedTime(start);
            TestContext.Current.TestOutputHelper!.WriteLine(
                $"8 processes: {all.TotalMilliseconds:F0} ms, of which the (simulated) driver {suspension.DriverTime.TotalMilliseconds:F0} ms, ours {(all - suspension.DriverTime).TotalMilliseconds:F0} ms");
        }
        finally
        {
            Array.ForEach(samples, static s => s.Dispose());
        }
    }
}
