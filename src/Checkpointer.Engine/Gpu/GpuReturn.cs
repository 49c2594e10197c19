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

    /// <param name="services">The engine's.</param>
    /// <param name="driver">Taken over: the plan has started it already, and the tree need not wait for that.</param>
    /// <param name="record">What the snapshot says.</param>
    /// <param name="plan">Where the GPUs come from.</param>
    /// <param name="journal">The operation's entry.</param>
    public GpuReturn(EngineServices services, GpuDriver driver, GpuRecord record, GpuPlan plan, OpenJournalEntry journal)
    {
        _services = services;
        _record = record;
        _map = plan.Map;
        _driver = driver;
        _ledger = new GpuLedger(services, journal, _driver) { Map = plan.Map };
        Timings = new GpuTimings { Survey = plan.Timings };
    }

    /// <summary>Where the time went.</summary>
    public GpuTimings Timings { get; }

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
        _driver.Clock.Begin();
        var processes = _driver.Clock.Measure(GpuClock.Tree, () => Find([owner], _record.Processes.Select(static p => (p.OwnPid, p.Growth))));
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
        Timings.Resume = _driver.Clock.Finish();
    }

    public ValueTask DisposeAsync() => _driver.DisposeAsync();

    /// <summary>The processes of a restored tree, known by the pids that they see themselves.</summary>
    /// <param name="roots">Where the tree hangs. What lies deepest is meant where two have one number: an owner in a pid namespace is a 1, too.</param>
    /// <param name="wanted">Own pids, and bytes of device memory.</param>
    public static List<GpuProcess> Find(IEnumerable<int> roots, IEnumerable<(int OwnPid, long Bytes)> wanted)
    {
        var live = roots.SelectMany(static root => ProcessTree.Read(root)?.Processes ?? []).ToLookup(static p => p.OwnPid);
        return [.. wanted.Select(w => (w, Process: live[w.OwnPid].LastOrDefault())).Where(static x => x.Process is not null).Select(static x => new GpuProcess
        {
            Pid = x.Process!.Pid,
            StartTime = x.Process.StartTime,
            OwnPid = x.w.OwnPid,
            Label = x.Process.Label,
            DeviceBytes = x.w.Bytes,
        })];
    }
}
