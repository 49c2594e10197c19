using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;

namespace Checkpointer.Gpu.Tests;

/// <summary>
/// A pod's restore whose engine died after the CRIUs were done: two placeholders run, with a CUDA process each that has the same pid in its
/// own namespace as the other in the other's. Each gets the GPUs of its own map.
/// </summary>
public sealed class PodRestoreRecoveryTests : IDisposable
{
    private readonly TwoNodes _nodes = new();
    private readonly List<Placeholder> _placeholders = [];
    private readonly List<Sample> _samples = [];

    public PodRestoreRecoveryTests()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root");
        for (var i = 0; i < 2; i++)
        {
            _placeholders.Add(new Placeholder());
            _samples.Add(new Sample(_nodes.Here, mib: 2 << i, inside: _placeholders[i], before: $"export CUDA_VISIBLE_DEVICES={i};"));
        }
    }

    public void Dispose()
    {
        _samples.ForEach(static s => s.Dispose());
        _placeholders.ForEach(static p => p.Dispose());
        _nodes.Dispose();
    }

    [Theory]
    [InlineData(GpuStep.Awaited)]
    [InlineData(GpuStep.Restoring)]
    public async Task Each_container_gets_the_gpus_of_its_own_map(GpuStep step)
    {
        await CutOffAsync(step, running: 2);
        Assert.Equal(_samples[0].ToGpuProcess().OwnPid, _samples[1].ToGpuProcess().OwnPid);

        var recovered = Assert.Single((await _nodes.ThereBench.RecoverAsync()).Operations);

        Assert.True(recovered.Outcome == "tree-adopted", recovered.Message);
        foreach (var sample in _samples)
        {
            sample.AssertGoesOn();
            Assert.Equal((int)CudaState.Running, await _nodes.ThereBench.StateAsync(sample));
        }

        Assert.Equal((2, 2), (_nodes.Calls("restore"), _nodes.Calls("unlock")));
        Assert.Equal(("4194304", "2097152"), (_nodes.There.Control("used 0"), _nodes.There.Control("used 1")));
        Assert.Empty((await _nodes.ThereBench.RecoverAsync()).Operations);
    }

    [Fact]
    public async Task What_one_container_does_not_get_is_told_and_tried_again()
    {
        await CutOffAsync(GpuStep.Awaited, running: 2);
        _nodes.There.Control("fault restore before error 999 2");

        var first = Assert.Single((await _nodes.ThereBench.RecoverAsync()).Operations);

        Assert.Equal(("attention", 1), (first.Outcome, _nodes.There.Fired));
        Assert.Contains($"CUDA process {_samples[1].Pid} ", first.Message, StringComparison.Ordinal);
        _samples[0].AssertGoesOn();
        _samples[1].AssertWaits();

        Assert.Equal("tree-adopted", Assert.Single((await _nodes.ThereBench.RecoverAsync()).Operations).Outcome);
        _samples[1].AssertGoesOn();
        Assert.Equal(("4194304", "2097152"), (_nodes.There.Control("used 0"), _nodes.There.Control("used 1")));
    }

    [Fact]
    public async Task A_container_that_runs_while_another_does_not_is_told_and_does_not_wait_for_its_gpu()
    {
        await CutOffAsync(GpuStep.Awaited, running: 1);

        var recovered = Assert.Single((await _nodes.ThereBench.RecoverAsync()).Operations);

        Assert.Equal("attention", recovered.Outcome);
        Assert.Contains("only the containers placeholder of the pod run, 1 others do not", recovered.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("GPU", recovered.Message, StringComparison.Ordinal);
        _samples[0].AssertGoesOn();
        Assert.False(_samples[1].IsAlive);
    }

    /// <summary>Leaves what a restore of a pod leaves that was cut off; the first so many placeholders run.</summary>
    private async Task CutOffAsync(GpuStep step, int running)
    {
        string[] maps = [await _nodes.MapAsync((0, 1)), await _nodes.MapAsync((1, 0))];
        await _nodes.CheckpointAsync([.. _samples]);
        for (var i = 0; i < 2; i++)
        {
            if (i < running)
            {
                _placeholders[i].Adopt("op-1", _samples[i].Pid);
            }
            else
            {
                _placeholders[i].Reserve("op-1");
            }
        }

        var directory = _nodes.HereBench.Services.Trees.DirectoryOf("op-1");
        var processes = _samples.Select((s, i) => (s.ToGpuProcess() with { Tree = i }).ToJournal() with { Map = maps[i] });
        _nodes.LeaveEntry(
            new JournalGpu
            {
                Step = step,
                Processes = [.. step == GpuStep.Awaited ? processes.Select(static p => p with { Pid = 0, StartTime = 0 }) : processes],
            },
            entry => entry with
            {
                Version = JournalEntry.SeveralTreesVersion,
                Members = [.. _placeholders.Select((p, i) => new JournalMember { Container = p.Record, TreeDirectory = Path.Combine(directory, $"c{i + 1}") })],
            });
    }
}
