namespace Checkpointer.Repository;

/// <summary>An intent as it lies in the store.</summary>
/// <param name="Name">Its object.</param>
/// <param name="Put">When, by the store's time.</param>
/// <param name="Snapshot">What its writer makes; null for a repack or where it cannot be read.</param>
/// <param name="Map">The map that its writer reuses from.</param>
/// <param name="Holder">Who writes.</param>
/// <param name="Damage">What is wrong with it; null for a sound one.</param>
internal sealed record IntentInfo(string Name, DateTimeOffset Put, SnapshotId? Snapshot, MapReference? Map, LockHolder? Holder, RepositoryException? Damage)
{
    /// <summary>Whether it still protects anything.</summary>
    public bool IsLive(DateTimeOffset storeTime) => storeTime - Put <= TimeSpan.FromHours(FormatConstants.IntentDeadHours);
}

/// <summary>Reads the intents of all writers.</summary>
internal sealed class IntentStore(IBackend backend, KeyRing keys)
{
    public async Task<List<IntentInfo>> ListAsync(CancellationToken cancellationToken)
    {
        List<ObjectInfo> found = [];
        await foreach (ObjectInfo info in backend.ListAsync(ObjectNames.IntentsPrefix, cancellationToken).ConfigureAwait(false))
        {
            found.Add(info);
        }

        List<IntentInfo> intents = [];
        foreach (ObjectInfo info in found)
        {
            // Whatever has another name is not ours to judge.
            if (ObjectId.TryParse(info.Name.AsSpan(ObjectNames.IntentsPrefix.Length), out ObjectId id)
                && await ReadAsync(info, id, cancellationToken).ConfigureAwait(false) is { } intent)
            {
                intents.Add(intent);
            }
        }

        return intents;
    }

    /// <summary>Null: it was removed meanwhile.</summary>
    private async Task<IntentInfo?> ReadAsync(ObjectInfo info, ObjectId id, CancellationToken cancellationToken)
    {
        try
        {
            byte[]? data = await backend.TryReadAllAsync(info.Name, SealedDocument.ObjectLength(FormatConstants.MaxIntent), cancellationToken).ConfigureAwait(false);
            if (data is null)
            {
                return null;
            }

            byte[] json = SealedDocument.Open(keys, ObjectKind.Intent, id, data, FormatConstants.MaxIntent, info.Name);
            IntentDocument document = RepositoryJson.Parse(json, RepositoryJson.Default.IntentDocument, info.Name);
            if (document.Version > FormatConstants.Version)
            {
                throw Damage.TooNew(info.Name, document.Version);
            }

            SnapshotId? snapshot = null;
            if (document.Snapshot is not null)
            {
                snapshot = SnapshotId.TryParse(document.Snapshot, out SnapshotId parsed)
                    ? parsed
                    : throw Damage.Of(info.Name, "the snapshot that it names is malformed");
            }

            MapReference? map = document.Map is null ? null : ManifestMapping.ReadMap(document.Map, info.Name);
            LockHolder holder = LockHolder.From(document.Node, document.Pid, document.StartTime, document.BootId, document.PidNamespace);
            return new IntentInfo(info.Name, info.Modified, snapshot, map, holder, null);
        }
        catch (RepositoryException e) when (e.Code is RepositoryCodes.Damaged or RepositoryCodes.TooNew)
        {
            return new IntentInfo(info.Name, info.Modified, null, null, null, e);
        }
    }
}
