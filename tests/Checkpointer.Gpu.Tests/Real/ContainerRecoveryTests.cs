using Checkpointer.Engine;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Gpu.Tests;

/// <summary>
/// A restore into a placeholder whose engine died after CRIU was done: the tree is adopted, and the next start gives its processes the
/// GPUs of this node by the map that the journal has.
/// </summary>
public sealed class ContainerRecoveryTests : IDisposable
{
    private readonly SimulatedNode _here = new("here");
    private readonly SimulatedNode _there = new("there");
    private readonly EngineBench _bench;
    private readonly EngineBench _other;
    private readonly Placeholder? _placeholder;
    private readonly Sample[] _samples = [];

    public ContainerRecoveryTests()
    {
        _bench = new EngineBench(_here);
        _other = new EngineBench(_there, _bench);
        if (Environment.IsPrivilegedProcess)
        {
            _placeholder = new Placeholder();
            _samples = [new Sample(_here, mib: 2, inside: _placeholder), new Sample(_here, mib: 2, inside: _placeholder)];
        }
    }

    public void Dispose()
    {
        Array.ForEach(_samples, static s => s.Dispose());
        _placeholder?.Dispose();
        _bench.Dispose();
        _there.Dispose();
        _here.Dispose();
    }

    [Theory]
    [InlineData(GpuStep.Awaited, 0, 2, 2)]
    [InlineData(GpuStep.Restoring, 1, 1, 2)]
    [InlineData(GpuStep.Restoring, 2, 0, 2)]
    public async Task A_tree_that_waits_for_its_gpus_gets_them_by_the_map_of_the_journal(GpuStep step, int restoredBefore, int restores, int unlocks)
    {
        await CutOffAsync(step, restoredBefore);
        Assert.All(_samples, static s => s.AssertWaits());
        _there.Control("clear");

        var recovered = Assert.Single((await _other.RecoverAsync()).Operations);

        Assert.True(recovered.Outcome == "tree-adopted", recovered.Message);
        Assert.Contains("container placeholder", recovered.Message, StringComparison.Ordinal);
        Assert.Equal((restores, unlocks), (Calls("restore"), Calls("unlock")));
        foreach (var sample in _samples)
        {
            sample.AssertGoesOn();
            Assert.Equal((int)CudaState.Running, await _other.StateAsync(sample));
        }

        // Each has memory on both GPUs. Without the map, or with another one, the driver refuses: none of there is one of here.
        Assert.Equal(("0", "0"), (_here.Control("used 0"), _here.Control("used 1")));
        Assert.Equal(("4194304", "4194304"), (_there.Control("used 0"), _there.Control("used 1")));
        Assert.Equal(_samples[0].Pid, _other.Services.Trees.Read("op-1")!.RootPid);
        Assert.Empty((await _other.RecoverAsync()).Operations);
    }

    [Theory]
    [InlineData("restore before error 999", true)]
    [InlineData("unlock before error 999", true)]
    [InlineData("restore before failed 999", false)]
    public async Task What_could_not_be_given_back_is_told_and_the_next_start_tries_what_can_be_tried(string fault, bool again)
    {
        await CutOffAsync(GpuStep.Awaited, 0);
        _there.Control("fault " + fault);

        var first = Assert.Single((await _other.RecoverAsync()).Operations);

        Assert.Equal(("attention", 1), (first.Outcome, _there.Fired));
        Assert.Contains($"CUDA process {_samples[0].Pid} ", first.Message, StringComparison.Ordinal);
        _samples[0].AssertWaits();
        _samples[1].AssertGoesOn();

        var second = Assert.Single((await _other.RecoverAsync()).Operations);
        Assert.Equal(again ? "tree-adopted" : "attention", second.Outcome);
        if (again)
        {
            _samples[0].AssertGoesOn();
        }
    }

    [Fact]
    public async Task A_call_whose_outcome_nobody_knows_is_not_repeated()
    {
        await CutOffAsync(GpuStep.Awaited, 0);
        _there.Control("fault restore before die");
        Assert.Equal("attention", Assert.Single((await _other.RecoverAsync()).Operations).Outcome);
        Assert.Equal(1, _there.Fired);
        var calls = Calls("restore");

        Assert.Equal("attention", Assert.Single((await _other.RecoverAsync()).Operations).Outcome);
        Assert.Equal(calls, Calls("restore"));
        _samples[0].AssertWaits();
        _samples[1].AssertGoesOn();
    }

    /// <summary>Leaves what a restore leaves that was cut off: processes as CRIU made them, or already restored; the placeholder runs.</summary>
    private async Task CutOffAsync(GpuStep step, int restored)
    {
        Assert.SkipWhen(_placeholder is null, "needs root");
        var map = await MapAsync();
        using (var before = _bench.OpenJournal("op-0", _samples))
        {
            await using var suspension = _bench.Suspend(before, _samples);
            await suspension.SuspendAsync(CancellationToken.None);
            suspension.Ended();
            before.Close();
        }

        await using (var driver = new GpuDriver(_other.Services))
        {
            foreach (var sample in _samples.Take(restored))
            {
                Assert.True((await driver.RestoreAsync(sample.ToGpuProcess(), map)).IsDone);
            }
        }

        _placeholder.Adopt("op-1", _samples[0].Pid);
        Directory.CreateDirectory(_bench.Services.Trees.DirectoryOf("op-1"));
        using var journal = _bench.Services.Journal.Open(new JournalEntry
        {
            Operation = "op-1",
            Kind = OperationKind.Restore,
            Phase = OperationPhase.Restore,
            Started = TimeProvider.System.GetUtcNow(),
            Repository = _bench.Repository,
            KeyFile = _bench.KeyFile,
            BootId = Host.BootId,
            Snapshot = new SnapshotId(LineageId.New(), 1).ToString(),
            Container = _placeholder.Record,
            Released = true,
            Gpu = new JournalGpu
            {
                Step = step,
                Map = map,
                Processes = [.. _samples.Select(s => step == GpuStep.Awaited ? s.ToGpuProcess().ToJournal() with { Pid = 0, StartTime = 0 } : s.ToGpuProcess().ToJournal())],
            },
        });
    }

    /// <summary>The first of here is the second of there.</summary>
    private async Task<string> MapAsync()
    {
        await using var from = new GpuDriver(_bench.Services);
        await using var to = new GpuDriver(_other.Services);
        var (old, now) = ((await from.DevicesAsync()).Items, (await to.DevicesAsync()).Items);
        return $"{old[0]["uuid"]}={now[1]["uuid"]},{old[1]["uuid"]}={now[0]["uuid"]}";
    }

    private int Calls(string verb) => _there.Control("log").Split('\n').Count(l => l.StartsWith(verb + " before", StringComparison.Ordinal));
}
