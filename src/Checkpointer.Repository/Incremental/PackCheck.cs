namespace Checkpointer.Repository;

/// <summary>
/// Looks whether a parent's packs are there with the length that its map says. A reused chunk in a missing or truncated pack would make the new snapshot damaged
/// from the start. Bytes inside a pack are not read: that is what <c>check --data</c> does.
/// </summary>
internal static class PackCheck
{
    /// <summary>With more packs than this one listing of all packs is cheaper than asking for each.</summary>
    internal const int MaxStats = 256;

    /// <summary>Questions at a time: hides a remote store's latency.</summary>
    private const int ParallelStats = 16;

    /// <summary>For each pack whether it can be relied on.</summary>
    public static async Task<bool[]> RunAsync(IBackend backend, KeyRing keys, IReadOnlyList<PackReference> packs, CancellationToken cancellationToken)
    {
        bool[] sound = await (packs.Count <= MaxStats ? StatAsync(backend, packs, cancellationToken) : ListAsync(backend, packs, cancellationToken)).ConfigureAwait(false);

        // One that a prune rewrote is as good as there: everything of it that this parent's map names was moved.
        MoveStore moves = new(backend, keys);
        ParallelOptions options = new() { MaxDegreeOfParallelism = ParallelStats, CancellationToken = cancellationToken };
        IEnumerable<int> absent = Enumerable.Range(0, packs.Count).Where(i => !sound[i]);
        await Parallel.ForEachAsync(absent, options, async (i, token) =>
        {
            sound[i] = await IsMovedAsync(backend, moves, packs[i], depth: 0, token).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return sound;
    }

    private static async Task<bool> IsMovedAsync(IBackend backend, MoveStore moves, PackReference pack, int depth, CancellationToken cancellationToken)
    {
        try
        {
            if (depth == FormatConstants.MaxMoveDepth
                || await backend.StatAsync(ObjectNames.Pack(pack.Id), cancellationToken).ConfigureAwait(false) is not null
                || await moves.TryLoadAsync(pack.Id, cancellationToken).ConfigureAwait(false) is not { } move
                || move.Length != pack.Length)
            {
                // Also one that is there with a wrong length.
                return false;
            }

            foreach (PackReference target in move.Targets)
            {
                ObjectInfo? info = await backend.StatAsync(ObjectNames.Pack(target.Id), cancellationToken).ConfigureAwait(false);
                if (info is null
                    ? !await IsMovedAsync(backend, moves, target, depth + 1, cancellationToken).ConfigureAwait(false)
                    : info.Value.Length != target.Length)
                {
                    return false;
                }
            }

            return true;
        }
        catch (RepositoryException e) when (e.Code is RepositoryCodes.Damaged or RepositoryCodes.TooNew)
        {
            // A move that cannot be read leads nowhere: what the pack held is stored again.
            return false;
        }
    }

    private static async Task<bool[]> StatAsync(IBackend backend, IReadOnlyList<PackReference> packs, CancellationToken cancellationToken)
    {
        bool[] sound = new bool[packs.Count];
        ParallelOptions options = new() { MaxDegreeOfParallelism = ParallelStats, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, packs.Count, options, async (i, token) =>
        {
            ObjectInfo? info = await backend.StatAsync(ObjectNames.Pack(packs[i].Id), token).ConfigureAwait(false);
            sound[i] = info?.Length == packs[i].Length;
        }).ConfigureAwait(false);
        return sound;
    }

    private static async Task<bool[]> ListAsync(IBackend backend, IReadOnlyList<PackReference> packs, CancellationToken cancellationToken)
    {
        bool[] sound = new bool[packs.Count];
        Dictionary<ObjectId, int> numbers = new(packs.Count);
        for (int i = 0; i < packs.Count; i++)
        {
            numbers.TryAdd(packs[i].Id, i);
        }

        await foreach (ObjectInfo info in backend.ListAsync(ObjectNames.PacksPrefix, cancellationToken).ConfigureAwait(false))
        {
            if (ObjectId.TryParse(info.Name.AsSpan(info.Name.LastIndexOf('/') + 1), out ObjectId id)
                && numbers.TryGetValue(id, out int number)
                && info.Name == ObjectNames.Pack(id))
            {
                sound[number] = info.Length == packs[number].Length;
            }
        }

        return sound;
    }
}
