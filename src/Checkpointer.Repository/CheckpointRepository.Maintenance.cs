namespace Checkpointer.Repository;

public sealed partial class CheckpointRepository
{
    /// <summary>
    /// Deletes the snapshots that a policy does not keep, of the lineages for which <paramref name="selects"/> is true; a lineage is judged whole or not at all.
    /// Space is freed by a later prune. Codes maintenance-running, lease-lost. Stopped anywhere, it has deleted some of what it would have, and nothing else.
    /// </summary>
    /// <param name="policy">What stays.</param>
    /// <param name="selects">Which lineages, by their snapshots; null for all.</param>
    /// <param name="dryRun">Decide only.</param>
    /// <param name="onDecided">Told the decisions before anything is deleted.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<RetainReport> RetainAsync(
        RetainPolicy policy, Func<IReadOnlyList<SnapshotInfo>, bool>? selects, bool dryRun, Action<IReadOnlyList<RetainDecision>>? onDecided, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (policy.IsEmpty)
        {
            throw new UsageException("retain-nothing", "no rule says which snapshots to keep", "give at least one of --keep-last, --keep-hourly, --keep-daily, --keep-within");
        }

        IReadOnlyList<SnapshotInfo> all = await ListAsync(cancellationToken).ConfigureAwait(false);
        IEnumerable<SnapshotInfo> chosen = all.GroupBy(s => s.Id.Lineage).Where(l => selects?.Invoke([.. l]) != false).SelectMany(l => l);
        IReadOnlyList<RetainDecision> decisions = Retention.Decide(chosen, policy);
        onDecided?.Invoke(decisions);
        int removed = 0;
        if (!dryRun && decisions.Any(d => !d.Keep))
        {
            await using HeldLease lease = await HeldLease.TakeAsync(
                _backend, _keys, ObjectNames.RootsLease, "retain", DeletePatience, TimeProvider.System, cancellationToken).ConfigureAwait(false);
            foreach (RetainDecision decision in decisions.Where(d => !d.Keep))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (lease.Lost.IsCancellationRequested)
                {
                    throw new RepositoryException(RepositoryCodes.LeaseLost, $"the lease {ObjectNames.RootsLease} was lost, so deleting stopped", "run it again");
                }

                removed += await _store.TryDeleteAsync(decision.Snapshot.Id, cancellationToken).ConfigureAwait(false) ? 1 : 0;
            }
        }

        return new RetainReport(decisions, removed);
    }

    /// <summary>Shows the leases and writers' intents of the repository, and removes those that are stale, or all of them.</summary>
    /// <param name="removeStale">Removes what ran out, and what a process of this machine held that is gone.</param>
    /// <param name="removeAll">Also removes live ones: a writer that lives then refuses to commit, and a prune stops.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public Task<IReadOnlyList<LockEntry>> LocksAsync(bool removeStale, bool removeAll, CancellationToken cancellationToken) =>
        new LockTable(_backend, _keys).RunAsync(removeStale, removeAll, cancellationToken);

    /// <summary>Counts what snapshots hold, share and take. Reads every map.</summary>
    public Task<RepositoryStats> StatsAsync(IProgress<CheckProgress>? progress, CancellationToken cancellationToken) =>
        new StatsCount(_backend, _keys, _store, _catalog, progress).RunAsync(cancellationToken);
}
