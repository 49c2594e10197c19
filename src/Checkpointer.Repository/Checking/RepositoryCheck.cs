namespace Checkpointer.Repository;

/// <summary>
/// Looks at everything that a snapshot needs, in the order of reading: manifest, map, packs. Damage becomes findings. Memory: as <see cref="NeededPacks"/>, and with data
/// one bit for each stored chunk, so that what many snapshots share is read once.
/// </summary>
internal sealed partial class RepositoryCheck(
    IBackend backend, KeyRing keys, SnapshotStore store, SnapshotCatalog catalog, CheckOptions options, IProgress<CheckProgress>? progress)
{
    private readonly CheckFindings _findings = new();
    private readonly Dictionary<ObjectId, int?> _packs = [];
    private NeededPacks _needed = null!;
    private long _bytes;

    public async Task<CheckReport> RunAsync(CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(options.SamplePercent is > 0 and <= 100, true, nameof(options));
        List<SnapshotId> ids = [];
        bool complete = false;
        await GuardAsync(
            async () =>
            {
                ids = await catalog.IdsAsync(cancellationToken).ConfigureAwait(false);
                Inventory inventory = await Inventory.ReadAsync(backend, cancellationToken).ConfigureAwait(false);
                _needed = new NeededPacks(backend, keys, inventory);
                complete = true;
                for (int i = 0; i < ids.Count; i++)
                {
                    complete &= await GuardAsync(() => CheckSnapshotAsync(ids[i], cancellationToken), ids[i].ToString(), ids[i]).ConfigureAwait(false);
                    progress?.Report(new CheckProgress(i + 1, ids.Count, _bytes));
                }

                await FindLeftoversAsync(inventory, complete, cancellationToken).ConfigureAwait(false);
            },
            backend.Describe(),
            harmed: null).ConfigureAwait(false);
        return new CheckReport(_findings.All(), ids.Count, _packs.Count, _bytes);
    }

    private async Task CheckSnapshotAsync(SnapshotId id, CancellationToken cancellationToken)
    {
        LoadedManifest manifest;
        try
        {
            manifest = await store.LoadAsync(id, cancellationToken).ConfigureAwait(false);
        }
        catch (RepositoryException e) when (e.Code == RepositoryCodes.SnapshotNotFound)
        {
            // Deleted since it was listed.
            return;
        }

        MapIndex? index = await _needed.AddAsync(new RootMap(manifest.Map, id, ObjectNames.Manifest(id)), cancellationToken).ConfigureAwait(false);
        string map = ObjectNames.Map(manifest.Map.Id);
        if (index is null)
        {
            throw _needed.Damage[^1];
        }

        await GuardAsync(
            () => PackEnd.CheckAsync(backend, keys, map, ObjectKind.Map, manifest.Map.Id, manifest.Map.Length, frames: null, cancellationToken), map, id).ConfigureAwait(false);
        foreach (PackReference pack in index.Packs)
        {
            if (await CheckPackAsync(pack, 0, cancellationToken).ConfigureAwait(false) is { } number)
            {
                _findings.Harm(number, id);
            }
        }

        if (options.Depth >= CheckDepth.References)
        {
            await GuardAsync(
                () => MapScanner.ScanAsync(backend, keys, manifest.Map.Id, index, entry => CheckEntry(entry, index, id), cancellationToken), map, id).ConfigureAwait(false);
        }

        if (options.Depth >= CheckDepth.Data)
        {
            await CheckDataAsync(manifest, index, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Looks at a pack once, and at those that it was moved to. The number of the finding; null: it is sound.</summary>
    private async Task<int?> CheckPackAsync(PackReference pack, int depth, CancellationToken cancellationToken)
    {
        if (_packs.TryGetValue(pack.Id, out int? known))
        {
            return known;
        }

        int? number = null;
        string name = ObjectNames.Pack(pack.Id);
        if (_needed.BadMoves.TryGetValue(pack.Id, out RepositoryException? bad))
        {
            number = _findings.Add(bad, name, null);
        }
        else if (_needed.Lost.Find(l => l.Pack == pack.Id) is { Error: { } lost })
        {
            number = _findings.Add(lost, name, null);
        }
        else if (_needed.Moves.TryGetValue(pack.Id, out PackMove? move))
        {
            foreach (PackReference target in move.Targets)
            {
                number ??= depth >= FormatConstants.MaxMoveDepth
                    ? _findings.Add(Damage.Of(ObjectNames.Move(pack.Id), "moves lead on without an end"), name, null)
                    : await CheckPackAsync(target, depth + 1, cancellationToken).ConfigureAwait(false);
            }
        }
        else if (options.Depth >= CheckDepth.References)
        {
            await GuardAsync(() => CheckEndsAsync(pack, name, cancellationToken), name, harmed: null, n => number = n).ConfigureAwait(false);
        }

        _packs[pack.Id] = number;
        return number;
    }

    private async Task CheckEndsAsync(PackReference pack, string name, CancellationToken cancellationToken)
    {
        byte[] header = new byte[FormatConstants.ObjectHeaderSize];
        await MapReader.ReadExactlyAsync(backend, name, 0, header, cancellationToken).ConfigureAwait(false);
        if (ObjectHeader.Read(header, ObjectKind.Pack, name) != pack.Id)
        {
            throw Damage.Of(name, "it has the id of another pack");
        }

        await PackEnd.CheckAsync(backend, keys, name, ObjectKind.Pack, pack.Id, pack.Length, frames: null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The bounds of an entry were checked when it was read; a rewritten pack must have taken its frame along.</summary>
    private void CheckEntry(ChunkEntry entry, MapIndex index, SnapshotId id)
    {
        if (entry.Kind != EntryKind.Chunk)
        {
            return;
        }

        PackReference pack = index.Packs[entry.Pack];
        if (_needed.Moves.ContainsKey(pack.Id) && _needed.Locate(pack.Id, entry.Offset, entry.Frame) is null)
        {
            _findings.Add(Damage.Of(ObjectNames.Move(pack.Id), "it lacks a frame that a map names"), ObjectNames.Move(pack.Id), id);
        }
    }

    /// <summary>Turns what a step throws for damage or a failing store into a finding. False: it did.</summary>
    private async Task<bool> GuardAsync(Func<Task> step, string subject, SnapshotId? harmed, Action<int>? onFinding = null)
    {
        try
        {
            await step().ConfigureAwait(false);
            return true;
        }
        catch (RepositoryException e)
        {
            int number = _findings.Add(e, subject, harmed);
            onFinding?.Invoke(number);
            return false;
        }
    }
}
