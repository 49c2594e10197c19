namespace Checkpointer.Repository;

internal sealed partial class Prune
{
    private async Task<PruneReport> ExecuteAsync(PruneState state, CancellationToken cancellationToken)
    {
        int deleted = 0;
        long freed = 0;
        int total = state.Plan.Deletions.Count;

        // One kind after the other: a map is gone before the packs that only it named.
        foreach (IGrouping<PruneReason, PruneItem> kind in state.Plan.Deletions.GroupBy(d => d.Reason))
        {
            ParallelOptions parallel = new() { MaxDegreeOfParallelism = ParallelDeletes, CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(kind, parallel, async (item, token) =>
            {
                bool gone = item.Reason == PruneReason.UnfinishedUpload
                    ? await backend.DeleteUnfinishedAsync(item.Name, token).ConfigureAwait(false)
                    : await backend.DeleteAsync(item.Name, token).ConfigureAwait(false);
                int done = gone ? Interlocked.Increment(ref deleted) : Volatile.Read(ref deleted);
                Interlocked.Add(ref freed, gone ? item.Bytes : 0);
                progress?.Report(new PruneProgress("delete", done, total));
            }).ConfigureAwait(false);
        }

        PruneReport report = new() { Plan = state.Plan, Executed = true, Deleted = deleted, BytesFreed = freed };
        return state.Repacks.Count == 0 ? report : await RepackAsync(state, report, cancellationToken).ConfigureAwait(false);
    }
}
