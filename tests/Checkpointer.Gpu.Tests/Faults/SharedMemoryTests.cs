using Checkpointer.Engine;
using Checkpointer.Engine.Gpu;

namespace Checkpointer.Gpu.Tests;

/// <summary>Processes that share device memory (CUDA IPC) and are no job: while one of them is locked the driver answers for no other.</summary>
public sealed class SharedMemoryTests : IDisposable
{
    private readonly SimulatedNode _node = new("shared", "h100", "gpus=1");

    public void Dispose() => _node.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task They_are_told_as_what_they_are_and_all_run_on(bool leaveRunning)
    {
        Installation.RequireCriu();
        using var bench = new EngineBench(_node);
        await bench.InitAsync();
        using var pair = new SampleTree(_node, before: "export GPU_SIMULATOR_GROUP=ranks;");

        var error = await Assert.ThrowsAsync<OperationFailedException>(
            () => bench.Engine.CheckpointAsync("op-1", bench.Checkpoint(pair.Root.Pid, leaveRunning), null, TestContext.Current.CancellationToken));

        Assert.Equal(("gpu-outcome-unknown", ExitCode.Failed, WorkloadState.Running), (error.Code, error.ExitCode, error.Workload));
        Assert.Contains("CUDA IPC", error.Message, StringComparison.Ordinal);
        await MustRunAsync(bench, pair.Samples);
        Assert.Empty(bench.Entries);
    }

    [Fact]
    public async Task As_one_job_they_are_checkpointed()
    {
        Installation.RequireCriu();
        using var bench = new EngineBench(_node);
        await bench.InitAsync();
        using var pair = new SampleTree(_node, before: "export GPU_SIMULATOR_GROUP=ranks GPU_SIMULATOR_JOB=1;");
        await bench.Engine.CheckpointAsync("op-1", bench.Checkpoint(pair.Root.Pid, leaveRunning: true), null, TestContext.Current.CancellationToken);
        await MustRunAsync(bench, pair.Samples);
    }

    [Fact]
    public async Task One_that_did_not_answer_while_another_was_locked_is_asked_again_when_that_runs()
    {
        using var bench = new EngineBench(_node);
        using var first = new Sample(_node, mib: 2, before: "export GPU_SIMULATOR_GROUP=ranks;");
        using var second = new Sample(_node, mib: 2, before: "export GPU_SIMULATOR_GROUP=ranks;");
        using var journal = bench.OpenJournal("op-1", first, second);
        await using var suspension = bench.Suspend(journal, first, second);

        // Refused before it waits: what its lock did is known, but nobody can say what state it is in.
        _node.Control("fault lock before error 999 2");
        Assert.Equal("gpu-lock-failed", (await Assert.ThrowsAsync<OperationFailedException>(() => suspension.SuspendAsync(CancellationToken.None))).Code);

        Assert.Null(await suspension.ResumeAsync());

        Assert.Equal(1, _node.Fired);
        await MustRunAsync(bench, [first, second]);
        Assert.Null(journal.Entry.Gpu);
    }

    private static async Task MustRunAsync(EngineBench bench, IEnumerable<Sample> samples)
    {
        foreach (var sample in samples)
        {
            sample.AssertGoesOn();
            Assert.Equal((int)CudaState.Running, await bench.StateAsync(sample));
        }
    }
}
