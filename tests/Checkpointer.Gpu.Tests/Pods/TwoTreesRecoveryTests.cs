using Checkpointer.Engine;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;

namespace Checkpointer.Gpu.Tests;

/// <summary>The engine died while it checkpointed a pod: at each step of the GPU part the next start brings every tree back.</summary>
public sealed class TwoTreesRecoveryTests : IDisposable
{
    private readonly SimulatedNode _node = new("pod", "h100", "gpus=1");
    private readonly EngineBench _bench;
    private readonly Sample _first;
    private readonly Sample _second;
    private readonly TwoTrees _trees;

    public TwoTreesRecoveryTests()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root");
        _bench = new EngineBench(_node);
        _first = new Sample(_node, mib: 2);
        _second = new Sample(_node, mib: 2);
        _trees = new TwoTrees(_bench, _first, _second);
    }

    public void Dispose()
    {
        _trees.Dispose();
        _second.Dispose();
        _first.Dispose();
        _bench.Dispose();
        _node.Dispose();
    }

    /// <summary>After how many steps the engine died, and how many trees were frozen by then.</summary>
    public static TheoryData<string, int> Deaths => new()
    {
        { "Locking", 0 },
        { "locked 1", 0 },
        { "locked 2", 0 },
        { "Checkpointing", 0 },
        { "checkpointed 1", 0 },
        { "checkpointed 2", 0 },
        { "Checkpointed", 0 },
        { "Checkpointed", 1 },
        { "Checkpointed", 2 },
    };

    [Theory]
    [MemberData(nameof(Deaths))]
    public async Task Both_trees_run_with_their_gpus_after_the_next_start(string step, int frozen)
    {
        await CutOffAsync(step, frozen);

        var recovered = Assert.Single((await _bench.RecoverAsync()).Operations);

        Assert.True(recovered.Outcome == "rolled-back", recovered.Message);
        Assert.False(_trees.IsFrozen);
        foreach (var sample in _trees.Samples)
        {
            sample.AssertGoesOn();
            Assert.Equal((int)CudaState.Running, await _bench.StateAsync(sample));
        }

        Assert.Empty((await _bench.RecoverAsync()).Operations);
    }

    [Fact]
    public async Task A_tree_that_outlived_the_other_is_told_and_does_not_wait_for_its_gpu()
    {
        await CutOffAsync("Checkpointed", 0);
        _first.End();
        _trees.Freeze(1);

        var recovered = Assert.Single((await _bench.RecoverAsync()).Operations);

        Assert.Equal("attention", recovered.Outcome);
        Assert.Contains("of its 2 containers 1 run on", recovered.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("GPU", recovered.Message, StringComparison.Ordinal);
        Assert.False(_trees.IsFrozen);
        _second.AssertGoesOn();
    }

    /// <summary>Does what an engine does up to the step, and goes away without a word.</summary>
    private async Task CutOffAsync(string step, int frozen)
    {
        using var journal = _bench.Services.Journal.Open(_trees.Entry(OperationPhase.Gpu));
        await using var suspension = new GpuSuspension(_bench.Services, new GpuDriver(_bench.Services), _trees.Found(), journal);
        List<string> passed = [];
        _bench.Services.GpuStepReached = reached =>
        {
            passed.Add(reached);
            var name = reached.Split(' ')[0];
            if (step == (reached == name ? name : $"{name} {passed.Count(p => p.StartsWith(name + " ", StringComparison.Ordinal))}"))
            {
                throw new DeathException();
            }
        };
        await Assert.ThrowsAsync<DeathException>(() => suspension.SuspendAsync(CancellationToken.None));
        _bench.Services.GpuStepReached = null;
        if (frozen > 0)
        {
            journal.Update(static entry => entry with { Phase = OperationPhase.Dump, Frozen = true });
        }

        for (var i = 0; i < frozen; i++)
        {
            _trees.Freeze(i);
        }
    }

    private sealed class DeathException : Exception;
}
