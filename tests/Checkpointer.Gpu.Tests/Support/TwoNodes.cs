using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Gpu.Tests;

/// <summary>
/// Two nodes of other GPUs each, with one state: processes that were checkpointed here are, for the driver, what CRIU restored there. So a
/// restore that was cut off can be laid out at any step without CRIU.
/// </summary>
internal sealed class TwoNodes : IDisposable
{
    private const string Operation = "op-1";

    public TwoNodes()
    {
        HereBench = new EngineBench(Here);
        There = new SimulatedNode("there");
        ThereBench = new EngineBench(There, HereBench);
    }

    public SimulatedNode Here { get; } = new("here");

    public SimulatedNode There { get; }

    public EngineBench HereBench { get; }

    public EngineBench ThereBench { get; }

    /// <summary>Brings the processes into the state in which CRIU leaves them.</summary>
    public async Task CheckpointAsync(params Sample[] samples)
    {
        using var before = HereBench.OpenJournal("op-0", samples);
        await using var suspension = HereBench.Suspend(before, samples);
        await suspension.SuspendAsync(CancellationToken.None);
        suspension.Ended();
        before.Close();
    }

    /// <summary>Pairs of the GPUs with these numbers, here and there.</summary>
    public async Task<string> MapAsync(params (int Here, int There)[] pairs)
    {
        await using var from = new GpuDriver(HereBench.Services);
        await using var to = new GpuDriver(ThereBench.Services);
        var (old, now) = ((await from.DevicesAsync()).Items, (await to.DevicesAsync()).Items);
        return string.Join(',', pairs.Select(p => $"{old[p.Here]["uuid"]}={now[p.There]["uuid"]}"));
    }

    /// <summary>Writes the entry of a restore whose engine is gone: its trees were let go.</summary>
    public void LeaveEntry(JournalGpu gpu, Func<JournalEntry, JournalEntry> more)
    {
        Directory.CreateDirectory(HereBench.Services.Trees.DirectoryOf(Operation));
        using var journal = HereBench.Services.Journal.Open(more(new JournalEntry
        {
            Operation = Operation,
            Kind = OperationKind.Restore,
            Phase = Engine.OperationPhase.Restore,
            Started = TimeProvider.System.GetUtcNow(),
            Repository = HereBench.Repository,
            KeyFile = HereBench.KeyFile,
            BootId = Host.BootId,
            Snapshot = new SnapshotId(LineageId.New(), 1).ToString(),
            Released = true,
            Gpu = gpu,
        }));
    }

    /// <summary>How often the driver there was asked to do something.</summary>
    public int Calls(string verb) => There.Control("log").Split('\n').Count(l => l.StartsWith(verb + " before", StringComparison.Ordinal));

    public void Dispose()
    {
        HereBench.Dispose();
        There.Dispose();
        Here.Dispose();
    }
}
