using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Restoring;
using Checkpointer.Platform;

namespace Checkpointer.Gpu.Tests;

/// <summary>
/// A plain tree that a restore had let go, and of which both engine and owner are gone: what becomes of it a person says, but it gets its
/// GPUs, by the map that the journal has.
/// </summary>
public sealed class OrphanRecoveryTests : IDisposable
{
    private readonly TwoNodes _nodes = new();
    private readonly List<Sample> _samples = [];

    public OrphanRecoveryTests()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root");
        _samples.Add(new Sample(_nodes.Here, mib: 2));
        _samples.Add(new Sample(_nodes.Here, mib: 2));
    }

    public void Dispose()
    {
        _samples.ForEach(static s => s.Dispose());
        _nodes.Dispose();
    }

    [Theory]
    [InlineData(GpuStep.Awaited)]
    [InlineData(GpuStep.Restoring)]
    public async Task An_orphaned_tree_gets_its_gpus_and_is_told(GpuStep step)
    {
        await OrphanAsync(step);

        var first = Assert.Single((await _nodes.ThereBench.RecoverAsync()).Operations);

        Assert.Equal("attention", first.Outcome);
        Assert.Contains(TreeCgroup.NameOf("op-1"), first.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("GPU", first.Message, StringComparison.Ordinal);
        await MustRunThereAsync();
        Assert.Equal((2, 2), (_nodes.Calls("restore"), _nodes.Calls("unlock")));

        // Asked again, as long as the person has done nothing: there is nothing left to do for its GPUs.
        Assert.Equal("attention", Assert.Single((await _nodes.ThereBench.RecoverAsync()).Operations).Outcome);
        Assert.Equal((2, 2), (_nodes.Calls("restore"), _nodes.Calls("unlock")));
    }

    [Fact]
    public async Task What_an_orphan_does_not_get_is_told_with_it_and_tried_again()
    {
        await OrphanAsync(GpuStep.Awaited);
        _nodes.There.Control("fault restore before error 999");

        var first = Assert.Single((await _nodes.ThereBench.RecoverAsync()).Operations);

        Assert.Equal(("attention", 1), (first.Outcome, _nodes.There.Fired));
        Assert.Contains(TreeCgroup.NameOf("op-1"), first.Message, StringComparison.Ordinal);
        Assert.Contains($"CUDA process {_samples[0].Pid} ", first.Message, StringComparison.Ordinal);
        _samples[0].AssertWaits();
        _samples[1].AssertGoesOn();

        var second = Assert.Single((await _nodes.ThereBench.RecoverAsync()).Operations);
        Assert.DoesNotContain("CUDA process", second.Message, StringComparison.Ordinal);
        await MustRunThereAsync();
    }

    private async Task OrphanAsync(GpuStep step)
    {
        var map = await _nodes.MapAsync((0, 1), (1, 0));
        await _nodes.CheckpointAsync([.. _samples]);
        var cgroup = Cgroup.Create(TreeCgroup.NameOf("op-1"));
        _samples.ForEach(s => cgroup.Join(s.Pid));
        var processes = _samples.Select(static s => s.ToGpuProcess().ToJournal());
        _nodes.LeaveEntry(
            new JournalGpu
            {
                Step = step,
                Map = map,
                Processes = [.. step == GpuStep.Awaited ? processes.Select(static p => p with { Pid = 0, StartTime = 0 }) : processes],
            },
            static entry => entry);
    }

    private async Task MustRunThereAsync()
    {
        foreach (var sample in _samples)
        {
            sample.AssertGoesOn();
            Assert.Equal((int)CudaState.Running, await _nodes.ThereBench.StateAsync(sample));
        }

        Assert.Equal(("0", "0"), (_nodes.Here.Control("used 0"), _nodes.Here.Control("used 1")));
        Assert.Equal(("4194304", "4194304"), (_nodes.There.Control("used 0"), _nodes.There.Control("used 1")));
    }
}
