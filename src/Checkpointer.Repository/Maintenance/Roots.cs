using System.Collections.Concurrent;

namespace Checkpointer.Repository;

/// <summary>A map that is in use, and by what.</summary>
/// <param name="Map">Where it is.</param>
/// <param name="Snapshot">The snapshot that it belongs to; null for the map that a running writer reuses from.</param>
/// <param name="Owner">The object that names it.</param>
internal sealed record RootMap(MapReference Map, SnapshotId? Snapshot, string Owner);

/// <summary>Everything from which the objects in use are found: manifests and live intents.</summary>
internal sealed class Roots
{
    /// <summary>Manifests read at once.</summary>
    private const int ParallelReads = 8;

    public List<RootMap> Maps { get; } = [];

    public List<IntentInfo> Intents { get; private set; } = [];

    /// <summary>Every manifest that there is, readable or not.</summary>
    public HashSet<SnapshotId> Snapshots { get; } = [];

    /// <summary>Markers whose manifest is not there.</summary>
    public List<ObjectInfo> OrphanMarkers { get; } = [];

    /// <summary>Manifests and live intents that cannot be read: what they name is unknown.</summary>
    public List<RepositoryException> Damage { get; } = [];

    /// <summary>
    /// Intents first, then manifests: docs/format.md says why. To be called under the lease <see cref="ObjectNames.RootsLease"/> where anything is deleted afterwards.
    /// </summary>
    public static async Task<Roots> CollectAsync(
        IBackend backend, KeyRing keys, SnapshotStore store, DateTimeOffset storeTime, CancellationToken cancellationToken)
    {
        Roots roots = new() { Intents = await new IntentStore(backend, keys).ListAsync(cancellationToken).ConfigureAwait(false) };
        foreach (IntentInfo intent in roots.Intents.Where(i => i.IsLive(storeTime)))
        {
            if (intent.Damage is { } damage)
            {
                roots.Damage.Add(damage);
            }
            else if (intent.Map is { } map)
            {
                roots.Maps.Add(new RootMap(map, null, intent.Name));
            }
        }

        List<(SnapshotId Id, ObjectInfo Info)> markers = [];
        await foreach (ObjectInfo info in backend.ListAsync(ObjectNames.SnapshotsPrefix, cancellationToken).ConfigureAwait(false))
        {
            if (SnapshotCatalog.TryParse(info.Name, out SnapshotId id))
            {
                roots.Snapshots.Add(id);
            }
            else if (info.Name.EndsWith(ObjectNames.SupersededSuffix, StringComparison.Ordinal)
                && SnapshotCatalog.TryParse(info.Name[..^ObjectNames.SupersededSuffix.Length], out SnapshotId marked))
            {
                markers.Add((marked, info));
            }
        }

        roots.OrphanMarkers.AddRange(markers.Where(m => !roots.Snapshots.Contains(m.Id)).Select(m => m.Info));
        await roots.LoadAsync(store, cancellationToken).ConfigureAwait(false);
        return roots;
    }

    private async Task LoadAsync(SnapshotStore store, CancellationToken cancellationToken)
    {
        ConcurrentBag<RootMap> maps = [];
        ConcurrentBag<RepositoryException> damage = [];
        ParallelOptions options = new() { MaxDegreeOfParallelism = ParallelReads, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(Snapshots, options, async (id, token) =>
        {
            try
            {
                LoadedManifest manifest = await store.LoadUnmarkedAsync(id, token).ConfigureAwait(false);
                maps.Add(new RootMap(manifest.Map, id, ObjectNames.Manifest(id)));
            }
            catch (RepositoryException e) when (e.Code == RepositoryCodes.SnapshotNotFound)
            {
                // Deleted, or withdrawn by a writer whose commit failed: its intent speaks for it.
            }
            catch (RepositoryException e) when (e.Code is RepositoryCodes.Damaged or RepositoryCodes.TooNew)
            {
                damage.Add(e);
            }
        }).ConfigureAwait(false);
        Maps.AddRange(maps.OrderBy(m => m.Owner, StringComparer.Ordinal));
        Damage.AddRange(damage.OrderBy(e => e.ObjectName, StringComparer.Ordinal));
    }
}
