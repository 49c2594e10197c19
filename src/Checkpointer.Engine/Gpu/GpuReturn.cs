using Checkpointer.Engine.Journal;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Gpu;

/// <summary>
/// The GPU part of a restore: CRIU has built the processes with their device memory in their own; here they are given GPUs. All or none:
/// what fails ends the tree, and the snapshot is as it was.
/// </summary>
internal sealed class GpuReturn : IAsyncDisposable
{
    private readonly EngineServices _services;
    private readonly GpuRecord _record;
    private readonly GpuDriver _driver;
    private readonly GpuLedger _ledger;
    private readonly string? _map;

    public GpuReturn(EngineServices services, GpuRecord record, GpuPlan plan, OpenJournalEntry journal)
    {
        _services = services;
        _record = record;
        _map = plan.Map;
        _driver = new GpuDriver(services);
        _ledger = new GpuLedger(services, journal, _driver) { Map = plan.Map };
    }

    /// <summary>Before the tree is let go: from then on somebody must give its processes their GPUs.</summary>
    public void Announce() => _ledger.Enter(GpuStep.Awaited, _record.Processes.Select(static p => new GpuProcess
    {
        Pid = 0,
        StartTime = 0,
        OwnPid = p.OwnPid,
        Label = "",
        DeviceBytes = p.Growth,
    }));

    /// <summary>Gives every process of the tree below <paramref name="owner"/> its GPUs and sets it going.</summary>
    /// <exception cref="OperationFailedException">Code <c>gpu-restore-failed</c>: at least one could not be; the tree must be ended.</exception>
    public async Task RunAsync(int owner)
    {
        var processes = Find(owner, _record.Processes.Select(static p => (p.OwnPid, p.Growth)));
        if (processes.Count != _record.Processes.Count)
        {
            throw new OperationFailedException(
                "gpu-restore-failed",
                $"Of {_record.Processes.Count} CUDA processes {processes.Count} are in the restored tree.",
                "Restore again; if it happens again, report it.");
        }

        _ledger.Enter(GpuStep.Restoring, processes);
        var lost = await new GpuRescue(_driver, _ledger, _services.Logger, _map).RunAsync(processes).ConfigureAwait(false);
        if (lost is not null)
        {
            throw new OperationFailedException("gpu-restore-failed", $"Not every CUDA process could be given its GPUs: {lost}.", "The snapshot is unharmed: restore it elsewhere, or with another --gpu.");
        }

        // A rescue passes over processes that are gone: here none may be.
        if (processes.Find(static p => !GpuRescue.IsAlive(p)) is { } gone)
        {
            throw new OperationFailedException("gpu-restore-failed", $"CUDA process {gone.Label} ended while it was given its GPUs.", "Restore again; look into the tree's log.");
        }

        _ledger.Clear();
    }

    public ValueTask DisposeAsync() => _driver.DisposeAsync();

    /// <summary>The processes of a restored tree, known by the pids that they see themselves.</summary>
    public static List<GpuProcess> Find(int owner, IEnumerable<(int OwnPid, long Bytes)> wanted)
    {
        var live = ProcessTree.Read(owner)?.Processes.Where(p => p.Pid != owner).ToLookup(static p => p.OwnPid);
        return live is null
            ? []
            : [.. wanted.Select(w => (w, Process: live[w.OwnPid].FirstOrDefault())).Where(static x => x.Process is not null).Select(static x => new GpuProcess
            {
                Pid = x.Process!.Pid,
                StartTime = x.Process.StartTime,
                OwnPid = x.w.OwnPid,
                Label = x.Process.Label,
                DeviceBytes = x.w.Bytes,
            })];
    }
}
