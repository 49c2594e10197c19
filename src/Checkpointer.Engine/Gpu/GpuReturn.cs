using Checkpointer.Engine.Journal;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Gpu;

/// <summary>
/// The GPU part of a restore: CRIU has built the processes with their device memory in their own; here they are given GPUs. All or none:
/// what fails in one tree ends all, and the snapshot is as it was.
/// </summary>
internal sealed class GpuReturn : IAsyncDisposable
{
    private readonly EngineServices _services;
    private readonly IReadOnlyList<GpuRecord?> _records;
    private readonly GpuPlan _plan;
    private readonly GpuDriver _driver;
    private readonly GpuLedger _ledger;

    /// <param name="services">The engine's.</param>
    /// <param name="driver">Taken over: the plan has started it already, and the tree need not wait for that.</param>
    /// <param name="records">What the snapshot says of each tree; null for one without GPUs.</param>
    /// <param name="plan">Where the GPUs come from.</param>
    /// <param name="journal">The operation's entry.</param>
    public GpuReturn(EngineServices services, GpuDriver driver, IReadOnlyList<GpuRecord?> records, GpuPlan plan, OpenJournalEntry journal)
    {
        _services = services;
        _records = records;
        _plan = plan;
        _driver = driver;
        // What is one tree's is written as older versions know it.
        _ledger = new GpuLedger(services, journal, _driver) { Map = records.Count == 1 ? plan.Map : null };
        Timings = new GpuTimings { Survey = plan.Timings };
    }

    /// <summary>Where the time went.</summary>
    public GpuTimings Timings { get; }

    /// <summary>Before the trees are let go: from then on somebody must give their processes their GPUs.</summary>
    public void Announce() => _ledger.Enter(GpuStep.Awaited, Wanted());

    /// <summary>Gives every process of the trees its GPUs and sets it going.</summary>
    /// <param name="owners">Where each tree hangs.</param>
    /// <exception cref="OperationFailedException">Code <c>gpu-restore-failed</c>: at least one could not be; all trees must be ended.</exception>
    public async Task RunAsync(IReadOnlyList<int> owners)
    {
        _driver.Clock.Begin();
        // The tree was let go: what is done now is what the entry says since.
        _ledger.IsUndoing = true;
        var wanted = Wanted();
        var processes = _driver.Clock.Measure(GpuClock.Tree, () => Find(tree => [owners[tree]], wanted));
        if (processes.Count != wanted.Count)
        {
            throw new OperationFailedException(
                "gpu-restore-failed",
                $"Of {wanted.Count} CUDA processes {processes.Count} are in what was restored.",
                "Restore again; if it happens again, report it.");
        }

        _ledger.Enter(GpuStep.Restoring, processes);
        var lost = await new GpuRescue(_driver, _ledger, _services.Logger).RunAsync(processes).ConfigureAwait(false);
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

    /// <summary>The processes of restored trees, known by the pids that they see themselves; those that are not there are left out.</summary>
    /// <param name="roots">Where each tree hangs. What lies deepest is meant where two have one number: an owner in a pid namespace is a 1, too.</param>
    /// <param name="wanted">Own pids, trees and what else is known of them.</param>
    public static List<GpuProcess> Find(Func<int, IEnumerable<int>> roots, IReadOnlyList<GpuProcess> wanted)
    {
        List<GpuProcess> found = [];
        foreach (var tree in wanted.GroupBy(static w => w.Tree))
        {
            var live = roots(tree.Key).SelectMany(static root => ProcessTree.Read(root)?.Processes ?? []).ToLookup(static p => p.OwnPid);
            found.AddRange(tree.Select(w => (w, Process: live[w.OwnPid].LastOrDefault())).Where(static x => x.Process is not null).Select(static x => x.w with
            {
                Pid = x.Process!.Pid,
                StartTime = x.Process.StartTime,
                Label = x.Process.Label,
            }));
        }

        return found;
    }

    private List<GpuProcess> Wanted() =>
    [
        .. _records.SelectMany((record, tree) => record is null ? [] : record.Processes.Select(p => new GpuProcess
        {
            Pid = 0,
            StartTime = 0,
            OwnPid = p.OwnPid,
            Tree = tree,
            Label = "",
            DeviceBytes = p.Growth,
            Map = _plan.MapFor(record),
        })),
    ];
}
