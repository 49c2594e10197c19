using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Recovery;

/// <summary>
/// Ends a checkpoint whose engine died. It never kills a workload: what runs is brought back to running, and a snapshot that its
/// workload outlived is marked superseded, so that nothing restores a second copy by itself.
/// </summary>
internal sealed class CheckpointRecovery
{
    /// <summary>CRIU whose pipes broke cures the tree and ends by itself within seconds; after this it is asked, then killed.</summary>
    private static readonly TimeSpan CureDeadline = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan TermDeadline = TimeSpan.FromSeconds(10);

    private readonly EngineServices _services;

    public CheckpointRecovery(EngineServices services)
    {
        _services = services;
    }

    public async Task<RecoveryOutcome> RecoverAsync(OpenJournalEntry open, CancellationToken cancellationToken)
    {
        var entry = open.Entry;
        if (entry.BootId != Host.BootId)
        {
            return new RecoveryOutcome(
                "closed-as-gone", $"The machine was started anew since operation {entry.Operation}; its workload is gone with the old boot.");
        }

        // Another operation on it would freeze what this one sets going.
        using var workload = WorkloadLocks.Take(
            _services.Options.RunDirectory, [.. entry.Parts.Where(static p => p.Processes.Count > 0).Select(static p => (p.Processes[0].Pid, p.Processes[0].StartTime))]);
        EndGuard(entry, cancellationToken);
        await Task.WhenAll(entry.Parts.Select(p => EndCriuAsync(p, cancellationToken))).ConfigureAwait(false);
        var state = entry.Frozen || entry.Phase != OperationPhase.Prepare
            ? await new WorkloadRescue(_services.Logger, _services.Time).MendAllAsync(entry, cancellationToken).ConfigureAwait(false)
            : new RescueReport(WorkloadState.Running, "it was never touched");

        // Before the repository is asked, which may be far away: until then these processes wait for their GPUs. A driver answers for none that is held.
        var lost = state.State == WorkloadState.Gone || state.Held
            ? null
            : await new GpuRecovery(_services).RunAsync(open, static _ => [], cancellationToken).ConfigureAwait(false);
        if (state.State == WorkloadState.Unknown)
        {
            return new RecoveryOutcome(
                "attention", $"The workload of operation {entry.Operation} needs a look: {state.Detail}{(lost is null ? "" : $", and not all of it has its GPU back: {lost}")}.", Close: false);
        }

        if (lost is not null)
        {
            return new RecoveryOutcome("attention", $"The workload of operation {entry.Operation} runs, but not all of it has its GPU back: {lost}.", Close: false);
        }

        var durable = await IsDurableAsync(entry, state.State, cancellationToken).ConfigureAwait(false);
        return (state.State, durable) switch
        {
            (WorkloadState.Running, true) when !entry.LeaveRunning => new RecoveryOutcome(
                "durable-and-running", $"Snapshot {entry.Snapshot} is durable and its workload runs on; the snapshot is marked superseded."),
            (WorkloadState.Running, true) => new RecoveryOutcome(
                "durable-and-running", $"Snapshot {entry.Snapshot} is durable and its workload runs on, as was asked."),
            (WorkloadState.Running, false) => new RecoveryOutcome("rolled-back", "The workload runs on; no snapshot was made."),
            (_, true) => new RecoveryOutcome("durable-and-gone", $"The workload has ended; snapshot {entry.Snapshot} is durable."),
            _ => new RecoveryOutcome("closed-as-gone", "The workload is not there any more and no snapshot was made."),
        };
    }

    /// <summary>False for another writer's snapshot of the same lineage and generation: this operation then lost, and must not mark it.</summary>
    private static bool IsOurs(SnapshotInfo snapshot, JournalEntry entry) =>
        snapshot.Damage is not null
        || WorkloadRecord.Read(snapshot.Content.Workload, snapshot.Id.ToString()).Operation is not { } operation
        || operation == entry.Operation;

    /// <summary>It waits for the CRIUs, too, to thaw what they leave; from here on we do, and it must not thaw what a later operation freezes.</summary>
    private static void EndGuard(JournalEntry entry, CancellationToken cancellationToken)
    {
        using var guard = entry.Guard?.Open();
        guard?.Signal(Signals.Kill);
        guard?.WaitExit(TermDeadline, cancellationToken);
    }

    private async Task EndCriuAsync(JournalEntry entry, CancellationToken cancellationToken)
    {
        using var pidFd = entry.Criu?.Open();
        if (pidFd is null)
        {
            return;
        }

        await Streaming.DedicatedThread.Run("wait for CRIU", () =>
        {
            if (pidFd.WaitExit(CureDeadline, cancellationToken))
            {
                return;
            }

            pidFd.Signal(Signals.Terminate);
            if (!pidFd.WaitExit(TermDeadline, cancellationToken))
            {
                pidFd.Signal(Signals.Kill);
                pidFd.WaitExit(TermDeadline, cancellationToken);
            }
        }).ConfigureAwait(false);
    }

    /// <summary>Whether the snapshot was committed; marks it when its workload runs on although it should have ended.</summary>
    private async Task<bool> IsDurableAsync(JournalEntry entry, WorkloadState state, CancellationToken cancellationToken)
    {
        if (!SnapshotId.TryParse(entry.Snapshot, out var id) || entry.Phase is OperationPhase.Prepare)
        {
            return false;
        }

        await using var repository = await _services
            .OpenRepositoryAsync(entry.Repository, entry.KeyFile, cancellationToken).ConfigureAwait(false);
        var snapshots = await repository.ListAsync(cancellationToken).ConfigureAwait(false);
        if (snapshots.FirstOrDefault(s => s.Id == id) is not { } snapshot || !IsOurs(snapshot, entry))
        {
            return false;
        }

        if (state == WorkloadState.Running && !entry.LeaveRunning)
        {
            await repository.MarkSupersededAsync(id, "the workload ran on after this snapshot", cancellationToken).ConfigureAwait(false);
        }

        return true;
    }
}
