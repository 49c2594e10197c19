namespace Checkpointer.Repository;

/// <summary>What one snapshot is made of, and what it added when it was counted: snapshots are counted by lineage, oldest first.</summary>
public sealed record SnapshotStats
{
    public required SnapshotInfo Snapshot { get; init; }

    /// <summary>Bytes of its files that are zero pages, which are nowhere stored.</summary>
    public required long ZeroBytes { get; init; }

    /// <summary>Bytes of its chunks, before deduplication and compression.</summary>
    public required long ChunkBytes { get; init; }

    /// <summary>Of those, bytes of chunks that no snapshot counted before it holds.</summary>
    public required long NewChunkBytes { get; init; }

    /// <summary>What those take in packs, and its map.</summary>
    public required long NewStoredBytes { get; init; }
}

/// <summary>How much a repository holds, and how much room that takes.</summary>
public sealed record RepositoryStats
{
    public required IReadOnlyList<SnapshotStats> Snapshots { get; init; }

    /// <summary>Snapshots that could not be counted because they are damaged.</summary>
    public required int Damaged { get; init; }

    /// <summary>Bytes of all files of all snapshots.</summary>
    public required long BytesCaptured { get; init; }

    /// <summary>Bytes of all packs, maps and moves in the store.</summary>
    public required long BytesStored { get; init; }

    public required int Packs { get; init; }

    /// <summary>Bytes of objects that no snapshot names: left by aborted or running checkpoints, and by deleted snapshots.</summary>
    public required long UnreferencedBytes { get; init; }

    /// <summary>Unfinished uploads, of killed writers and of running ones, and their bytes; in no other number. None where the store forgets them by itself.</summary>
    public required int Unfinished { get; init; }

    public required long UnfinishedBytes { get; init; }

    /// <summary>Bytes in packs in use that no snapshot needs any more: what a repack can give back.</summary>
    public required long DeadBytes { get; init; }

    /// <summary>Bytes of chunks of all snapshots for one byte of different chunks; 1 without any chunk.</summary>
    public required double DedupeRatio { get; init; }

    /// <summary>Bytes of different chunks for one byte that they take in packs; 1 without any chunk.</summary>
    public required double CompressionRatio { get; init; }
}

/// <summary>Counts. Reads every map; memory as <see cref="NeededPacks"/>, and one bit for each stored chunk.</summary>
internal sealed class StatsCount(IBackend backend, KeyRing keys, SnapshotStore store, SnapshotCatalog catalog, IProgress<CheckProgress>? progress)
{
    private readonly Dictionary<ObjectId, PackUse> _use = [];
    private long _uniqueRaw;
    private long _uniqueStored;

    public async Task<RepositoryStats> RunAsync(CancellationToken cancellationToken)
    {
        List<SnapshotId> ids = await catalog.IdsAsync(cancellationToken).ConfigureAwait(false);
        Inventory inventory = await Inventory.ReadAsync(backend, cancellationToken).ConfigureAwait(false);
        NeededPacks needed = new(backend, keys, inventory);
        List<SnapshotStats> counted = [];
        int damaged = 0;
        foreach (SnapshotId id in ids)
        {
            try
            {
                if (await CountAsync(id, needed, cancellationToken).ConfigureAwait(false) is { } stats)
                {
                    counted.Add(stats);
                }
            }
            catch (RepositoryException e) when (e.Code is RepositoryCodes.Damaged or RepositoryCodes.TooNew)
            {
                // 'check' says what is wrong; here it is counted.
                damaged++;
            }

            progress?.Report(new CheckProgress(counted.Count + damaged, ids.Count, _uniqueStored));
        }

        (int unfinished, long unfinishedBytes) = await UnfinishedUploads.CountAsync(backend, cancellationToken).ConfigureAwait(false);
        long chunks = counted.Sum(s => s.ChunkBytes);
        return new RepositoryStats
        {
            Snapshots = counted,
            Damaged = damaged,
            BytesCaptured = counted.Sum(s => s.Snapshot.BytesCaptured),
            BytesStored = Sum(inventory.Packs, _ => true) + Sum(inventory.Maps, _ => true) + Sum(inventory.Moves, _ => true),
            Packs = inventory.Packs.Count,
            UnreferencedBytes = Sum(inventory.Packs, p => !needed.Packs.ContainsKey(p)) + Sum(inventory.Maps, m => !needed.Maps.Contains(m))
                + Sum(inventory.Moves, m => !needed.Packs.ContainsKey(m)),
            Unfinished = unfinished,
            UnfinishedBytes = unfinishedBytes,
            DeadBytes = inventory.Packs.Where(p => needed.Packs.ContainsKey(p.Key)).Sum(p => Dead(p.Key, p.Value.Length)),
            DedupeRatio = _uniqueRaw == 0 ? 1 : (double)chunks / _uniqueRaw,
            CompressionRatio = _uniqueStored == 0 ? 1 : (double)_uniqueRaw / _uniqueStored,
        };
    }

    private static long Sum(Dictionary<ObjectId, StoredObject> objects, Func<ObjectId, bool> counts) =>
        objects.Where(o => counts(o.Key)).Sum(o => o.Value.Length);

    private long Dead(ObjectId pack, long length) =>
        Math.Max(0, length - FormatConstants.ObjectHeaderSize - FormatConstants.EndFrameSize - (_use.TryGetValue(pack, out PackUse? use) ? use.LiveBytes : 0));

    private async Task<SnapshotStats?> CountAsync(SnapshotId id, NeededPacks needed, CancellationToken cancellationToken)
    {
        LoadedManifest manifest;
        try
        {
            manifest = await store.LoadAsync(id, cancellationToken).ConfigureAwait(false);
        }
        catch (RepositoryException e) when (e.Code == RepositoryCodes.SnapshotNotFound)
        {
            // Deleted since it was listed.
            return null;
        }

        MapIndex index = await needed.AddAsync(new RootMap(manifest.Map, id, ObjectNames.Manifest(id)), cancellationToken).ConfigureAwait(false)
            ?? throw needed.Damage[^1];
        long zero = 0;
        long chunks = 0;
        long fresh = 0;
        long stored = manifest.Map.Length;
        await MapScanner.ScanAsync(backend, keys, manifest.Map.Id, index, Count, cancellationToken).ConfigureAwait(false);
        return new SnapshotStats { Snapshot = manifest.Info, ZeroBytes = zero, ChunkBytes = chunks, NewChunkBytes = fresh, NewStoredBytes = stored };

        void Count(ChunkEntry entry)
        {
            if (entry.Kind == EntryKind.Zero)
            {
                zero += entry.RawLength;
                return;
            }

            chunks += entry.RawLength;
            if (needed.Locate(index.Packs[entry.Pack].Id, entry.Offset, entry.Frame) is not { } place)
            {
                return;
            }

            if (!_use.TryGetValue(place.Pack, out PackUse? use))
            {
                _use[place.Pack] = use = new PackUse();
            }

            if (use.Mark(place.Frame, entry.FrameLength))
            {
                fresh += entry.RawLength;
                stored += entry.FrameLength;
                _uniqueRaw += entry.RawLength;
                _uniqueStored += entry.FrameLength;
            }
        }
    }
}
