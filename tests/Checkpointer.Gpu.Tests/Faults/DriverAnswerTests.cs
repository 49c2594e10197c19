using System.Text.Json;
using Checkpointer.Engine;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;

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
        Assert.All(suspension.RecordOf(0)!.Processes, static p => Assert.InRange(p.Growth, 4L << 20, long.MaxValue));
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
            // Between two kernels the lock may succeed, but not each time.
            for (var i = 0; i < 20; i++)
            {
                await suspension.SuspendAsync(CancellationToken.None);
                Assert.Null(await suspension.ResumeAsync());
            }
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
    public async Task A_device_that_is_held_by_other_means_than_cuda_is_told_before_the_dump_and_the_process_runs_on()
    {
        using var bench = new EngineBench(_node);
        using var sample = new Sample(_node, before: $"exec 9<{_node.Devices}/nvidiactl;");
        using var journal = bench.OpenJournal("op-1", sample);
        await using var suspension = bench.Suspend(journal, sample);
        var error = await Assert.ThrowsAsync<OperationFailedException>(() => suspension.SuspendAsync(CancellationToken.None));
        Assert.Equal(("gpu-still-held", true), (error.Code, error.Message.Contains("nvidiactl", StringComparison.Ordinal)));
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
    public async Task A_worker_that_is_killed_between_two_calls_is_replaced_and_the_journal_names_the_new_one()
    {
        using var bench = new EngineBench(_node);
        using var sample = new Sample(_node);
        using var journal = bench.OpenJournal("op-1", sample);
        await using var driver = new GpuDriver(bench.Services);
        await using var suspension = bench.Suspend(journal, driver, sample);
        await suspension.SuspendAsync(CancellationToken.None);
        var first = driver.Worker!;
        Assert.Equal(first.Pid, journal.Entry.Gpu!.Worker!.Pid);
        Kill(first);
        List<(int Written, int Live)> workers = [];
        bench.Services.GpuStepReached = _ => workers.Add((OnDisk(bench).Worker?.Pid ?? 0, driver.Worker?.Pid ?? 0));

        Assert.Null(await suspension.ResumeAsync());

        Assert.NotEqual(first.Pid, driver.Worker!.Pid);
        // After the first call on the process, what is written is who makes the calls.
        Assert.All(workers.Skip(1), static w => Assert.Equal(w.Live, w.Written));
        Assert.Equal(3, workers.Count);
        sample.AssertGoesOn();
    }

    [Theory]
    [InlineData("lock")]
    [InlineData("checkpoint")]
    [InlineData("restore")]
    [InlineData("unlock")]
    public async Task A_worker_that_is_killed_in_a_call_leaves_nobody_unnamed(string verb)
    {
        using var bench = new EngineBench(_node);
        using var sample = new Sample(_node);
        using var journal = bench.OpenJournal("op-1", sample);
        await using var driver = new GpuDriver(bench.Services);
        await using var suspension = bench.Suspend(journal, driver, sample);
        // Longer than it takes a busy machine to see the call and to kill the worker in it, and shorter than the call's limit.
        _node.Control($"fault {verb} before delay 10000");
        var killed = Task.Run(() =>
        {
            Sample.Wait(() => _node.Control("log").Split('\n').Any(l => l.StartsWith(verb + " before", StringComparison.Ordinal)), verb);
            Kill(driver.Worker!);
        });

        var error = await Record.ExceptionAsync(() => suspension.SuspendAsync(CancellationToken.None));
        var lost = await suspension.ResumeAsync();
        await killed;

        Assert.Equal(1, _node.Fired);
        Assert.Equal(verb is "lock" or "checkpoint", error is OperationFailedException { Code: "gpu-outcome-unknown" });
        if (lost is null)
        {
            sample.AssertGoesOn();
        }
        else
        {
            Assert.Contains($"CUDA process {sample.Pid} ", lost, StringComparison.Ordinal);
        }
    }

    private static JournalGpu OnDisk(EngineBench bench)
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(bench.Options.StateDirectory, "operations", "op-1.json")));
        return file.RootElement.GetProperty("gpu").Deserialize<JournalGpu>(JsonSerializerOptions.Web)!;
    }

    private static void Kill(ProcessIdentity process)
    {
        using var pidFd = process.Open()!;
        pidFd.Signal(Signals.Kill);
        pidFd.WaitExit(TimeSpan.FromSeconds(60), CancellationToken.None);
    }
}
