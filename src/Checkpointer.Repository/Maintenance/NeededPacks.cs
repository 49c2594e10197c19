namespace Checkpointer.Repository;

/// <summary>
/// The packs that maps in use name, and those that they were moved to. Memory: about 70 bytes a pack, the moves of the packs that were rewritten (16 bytes for each of
/// their frames), and one map's index at a time.
/// </summary>
internal sealed class NeededPacks(IBackend backend, KeyRing keys, Inventory inventory)
{
    private readonly MoveStore _moves = new(backend, keys);

    /// <summary>Every pack that is named, whether it is there or not, with the length that it must have.</summary>
    public Dictionary<ObjectId, long> Packs { get; } = [];

    public HashSet<ObjectId> Maps { get; } = [];

    /// <summary>The moves of those packs.</summary>
    public Dictionary<ObjectId, PackMove> Moves { get; } = [];

    /// <summary>Maps and moves that cannot be read: what they name is unknown.</summary>
    public List<RepositoryException> Damage { get; } = [];

    /// <summary>The errors of moves that cannot be read, by their packs; they are in <see cref="Damage"/> too.</summary>
    public Dictionary<ObjectId, RepositoryException> BadMoves { get; } = [];

    /// <summary>Packs that are named and not there, or not whole, and were not moved; and one object that names each.</summary>
    public List<(ObjectId Pack, string Owner, RepositoryException Error)> Lost { get; } = [];

    /// <summary>Adds all that a map names. The index of a sound map is answered.</summary>
    public async Task<MapIndex?> AddAsync(RootMap root, CancellationToken cancellationToken)
    {
        Maps.Add(root.Map.Id);
        string name = ObjectNames.Map(root.Map.Id);
        try
        {
            StoredObject map = inventory.Maps.TryGetValue(root.Map.Id, out StoredObject found)
                ? found
                : await StatAsync(name, cancellationToken).ConfigureAwait(false);
            if (map.Length != root.Map.Length)
            {
                throw Checkpointer.Repository.Damage.Of(name, $"it has {map.Length} bytes instead of {root.Map.Length}");
            }

            MapIndex index = await MapReader.ReadIndexAsync(backend, keys, root.Map, cancellationToken).ConfigureAwait(false);
            foreach (PackReference pack in index.Packs)
            {
                await AddPackAsync(pack, root.Owner, cancellationToken).ConfigureAwait(false);
            }

            return index;
        }
        catch (RepositoryException e) when (e.Code is RepositoryCodes.Damaged or RepositoryCodes.TooNew)
        {
            Damage.Add(e);
            return null;
        }
    }

    /// <summary>Where a frame that a map names really is. Null: nowhere, its pack was rewritten without it.</summary>
    public (ObjectId Pack, int Offset, int Frame)? Locate(ObjectId pack, int offset, int frame)
    {
        for (int depth = 0; depth <= FormatConstants.MaxMoveDepth; depth++)
        {
            if (!Moves.TryGetValue(pack, out PackMove? move))
            {
                return (pack, offset, frame);
            }

            if (!move.TryFind(offset, out (PackReference Pack, int Offset, int Frame) place))
            {
                return inventory.Packs.ContainsKey(pack) ? (pack, offset, frame) : null;
            }

            (pack, offset, frame) = (place.Pack.Id, place.Offset, place.Frame);
        }

        return null;
    }

    private async Task AddPackAsync(PackReference first, string owner, CancellationToken cancellationToken)
    {
        Queue<PackReference> queue = new([first]);
        while (queue.TryDequeue(out PackReference pack))
        {
            if (!Packs.TryAdd(pack.Id, pack.Length))
            {
                continue;
            }

            bool moved = inventory.Moves.ContainsKey(pack.Id) && await FollowAsync(pack, queue, cancellationToken).ConfigureAwait(false);

            if (!inventory.Packs.TryGetValue(pack.Id, out StoredObject found))
            {
                if (!moved)
                {
                    // It may have been committed, or its move put, after the listing: asked once more before it is called lost.
                    await LookAgainAsync(pack, owner, queue, cancellationToken).ConfigureAwait(false);
                }
            }
            else if (found.Length != pack.Length)
            {
                string name = ObjectNames.Pack(pack.Id);
                Lost.Add((pack.Id, owner, Checkpointer.Repository.Damage.Of(name, $"it has {found.Length} bytes instead of {pack.Length}")));
            }
        }
    }

    private async Task LookAgainAsync(PackReference pack, string owner, Queue<PackReference> queue, CancellationToken cancellationToken)
    {
        string name = ObjectNames.Pack(pack.Id);
        if (await backend.StatAsync(name, cancellationToken).ConfigureAwait(false) is { } info)
        {
            inventory.Packs[pack.Id] = new StoredObject(info.Length, info.Modified);
            if (info.Length != pack.Length)
            {
                Lost.Add((pack.Id, owner, Checkpointer.Repository.Damage.Of(name, $"it has {info.Length} bytes instead of {pack.Length}")));
            }
        }
        else if (!await FollowAsync(pack, queue, cancellationToken).ConfigureAwait(false))
        {
            Lost.Add((pack.Id, owner, Checkpointer.Repository.Damage.Missing(name)));
        }
    }

    /// <summary>False: there is no move. One that cannot be read is remembered as damage.</summary>
    private async Task<bool> FollowAsync(PackReference pack, Queue<PackReference> queue, CancellationToken cancellationToken)
    {
        try
        {
            if (await _moves.TryLoadAsync(pack.Id, cancellationToken).ConfigureAwait(false) is not { } move)
            {
                return false;
            }

            if (move.Length != pack.Length)
            {
                throw Checkpointer.Repository.Damage.Of(ObjectNames.Move(pack.Id), "it speaks of a pack of another length");
            }

            Moves[pack.Id] = move;
            foreach (PackReference target in move.Targets)
            {
                queue.Enqueue(target);
            }
        }
        catch (RepositoryException e) when (e.Code is RepositoryCodes.Damaged or RepositoryCodes.TooNew)
        {
            BadMoves[pack.Id] = e;
            Damage.Add(e);
        }

        return true;
    }

    private async Task<StoredObject> StatAsync(string name, CancellationToken cancellationToken) =>
        await backend.StatAsync(name, cancellationToken).ConfigureAwait(false) is { } info
            ? new StoredObject(info.Length, info.Modified)
            : throw Checkpointer.Repository.Damage.Missing(name);
}
