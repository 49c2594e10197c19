using Checkpointer.Engine;
using Checkpointer.Engine.Gpu;

namespace Checkpointer.Gpu.Tests;

/// <summary>Several trees with GPUs are one: all are locked and checkpointed before the first is frozen, and what fails in one is undone in all.</summary>
public sealed class TwoTreesTests : IDisposable
{
    private readonly SimulatedNode _node = new("pod", "h100", "gpus=1");
    private readonly EngineBench _bench;

    public TwoTreesTests()
    {
        Installation.RequireCriu();
        _bench = new EngineBench(_node);
    }

    public void Dispose()
    {
        _bench.Dispose();
        _node.Dispose();
    }

    [Fact]
    public async Task Both_keep_their_gpu_and_each_has_a_record_of_its_own()
    {
        await _bench.InitAsync();
        using var first = new Sample(_node, mib: 2);
        using var second = new Sample(_node, mib: 4);
        using var trees = new TwoTrees(_bench, first, second);

        var dump = await trees.DumpAsync();

        await MustGoOnAsync(trees);
        Assert.Equal(["lock", "lock", "checkpoint", "checkpoint", "restore", "restore", "unlock", "unlock"], Calls());
        var record = WorkloadRecord.Read(dump.Snapshot.Content.Workload, "it").Gpu!;
        Assert.Equal(first.Pid, Assert.Single(record.Processes).OwnPid);
        Assert.Equal(2L << 20, Assert.Single(record.Devices).Used);
        Assert.Empty(Entries());
    }

    [Theory]
    [InlineData("lock before error 999 2", "gpu-lock-failed")]
    [InlineData("lock after error 999 2", "gpu-lock-failed")]
    [InlineData("lock before die 0 2", "gpu-outcome-unknown")]
    [InlineData("checkpoint before error 999 1", "gpu-checkpoint-failed")]
    [InlineData("checkpoint before error 999 2", "gpu-checkpoint-failed")]
    [InlineData("checkpoint after error 999 2", "gpu-checkpoint-failed")]
    [InlineData("checkpoint before error 2 2", "gpu-host-memory")]
    public async Task What_fails_in_one_tree_is_undone_in_both(string fault, string code)
    {
        await _bench.InitAsync();
        using var first = new Sample(_node, mib: 2);
        using var second = new Sample(_node, mib: 2);
        using var trees = new TwoTrees(_bench, first, second);
        _node.Control("fault " + fault);

        var error = await Assert.ThrowsAsync<OperationFailedException>(trees.DumpAsync);

        Assert.Equal((code, WorkloadState.Running, false, 1), (error.Code, error.Workload, error.SnapshotDurable, _node.Fired));
        await MustGoOnAsync(trees);
        Assert.Empty(Entries());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_tree_that_CRIU_cannot_dump_costs_no_other_its_gpu(int broken)
    {
        await _bench.InitAsync();
        using var device = new UndumpableDevice();
        using var first = new Sample(_node, mib: 2, before: broken == 0 ? $"exec 9<>'{device.Path}';" : "");
        using var second = new Sample(_node, mib: 2, before: broken == 1 ? $"exec 9<>'{device.Path}';" : "");
        using var trees = new TwoTrees(_bench, first, second);

        var error = await Assert.ThrowsAnyAsync<CheckpointerException>(trees.DumpAsync);

        Assert.Equal((WorkloadState.Running, false), (error.Workload, error.SnapshotDurable));
        Assert.DoesNotContain("gpu", error.Code, StringComparison.Ordinal);
        Assert.Equal(["lock", "lock", "checkpoint", "checkpoint", "restore", "restore", "unlock", "unlock"], Calls());
        await MustGoOnAsync(trees);
        Assert.Empty(Entries());
    }

    [Theory]
    [InlineData("restore before error 999 1")]
    [InlineData("restore before error 999 2")]
    [InlineData("unlock before error 999 2")]
    public async Task What_is_refused_once_is_asked_for_once_more(string fault)
    {
        await _bench.InitAsync();
        using var first = new Sample(_node, mib: 2);
        using var second = new Sample(_node, mib: 2);
        using var trees = new TwoTrees(_bench, first, second);
        _node.Control("fault " + fault);

        await trees.DumpAsync();

        Assert.Equal(1, _node.Fired);
        await MustGoOnAsync(trees);
        Assert.Empty(Entries());
    }

    [Theory]
    [InlineData("restore before failed 999 1", 0)]
    [InlineData("restore before failed 999 2", 1)]
    [InlineData("unlock before die 0 2", 1)]
    public async Task Who_does_not_get_its_gpu_back_is_named_and_the_other_tree_runs_on(string fault, int lost)
    {
        await _bench.InitAsync();
        using var first = new Sample(_node, mib: 2);
        using var second = new Sample(_node, mib: 2);
        using var trees = new TwoTrees(_bench, first, second);
        _node.Control("fault " + fault);

        var error = await Assert.ThrowsAsync<AttentionException>(trees.DumpAsync);

        Assert.Equal(("gpu-not-resumed", true, 1), (error.Code, error.SnapshotDurable, _node.Fired));
        Assert.Contains($"CUDA process {trees.Samples[lost].Pid} ", error.Message, StringComparison.Ordinal);
        trees.Samples[1 - lost].AssertGoesOn();
        trees.Samples[lost].AssertWaits();
        Assert.False(trees.IsFrozen);
        Assert.Single(Entries());
    }

    private async Task MustGoOnAsync(TwoTrees trees)
    {
        Assert.False(trees.IsFrozen);
        foreach (var sample in trees.Samples)
        {
            sample.AssertGoesOn();
            Assert.Equal((int)CudaState.Running, await _bench.StateAsync(sample));
        }
    }

    private IEnumerable<string> Entries() => Directory.EnumerateFiles(Path.Combine(_bench.Options.StateDirectory, "operations"), "*.json");

    /// <summary>What changes a process, in the order of the calls.</summary>
    private List<string> Calls() =>
        [.. _node.Control("log").Split('\n').Where(static l => l.Contains(" before", StringComparison.Ordinal)).Select(static l => l.Split(' ')[0]).Where(static v => v is "lock" or "checkpoint" or "restore" or "unlock")];
}
