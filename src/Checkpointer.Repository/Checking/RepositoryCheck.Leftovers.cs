using System.Globalization;

namespace Checkpointer.Repository;

internal sealed partial class RepositoryCheck
{
    private const string PruneRemovesIt = "harmless: a running or aborted checkpoint left it; prune removes it";

    /// <summary>What no snapshot needs: notes, never damage.</summary>
    private async Task FindLeftoversAsync(Inventory inventory, bool complete, CancellationToken cancellationToken)
    {
        foreach (ObjectInfo foreign in inventory.Foreign)
        {
            _findings.Note("foreign-object", foreign.Name, "its name is none that the repository gives", "whoever put it there may remove it; nothing of the repository touches it");
        }

        HashSet<SnapshotId> manifests = [];
        List<(SnapshotId Id, string Name)> markers = [];
        await foreach (ObjectInfo info in backend.ListAsync(ObjectNames.SnapshotsPrefix, cancellationToken).ConfigureAwait(false))
        {
            bool marker = info.Name.EndsWith(ObjectNames.SupersededSuffix, StringComparison.Ordinal);
            if (!SnapshotCatalog.TryParse(marker ? info.Name[..^ObjectNames.SupersededSuffix.Length] : info.Name, out SnapshotId id))
            {
                _findings.Note("foreign-object", info.Name, "its name is none that the repository gives", "whoever put it there may remove it; nothing of the repository touches it");
            }
            else if (marker)
            {
                markers.Add((id, info.Name));
            }
            else
            {
                manifests.Add(id);
            }
        }

        foreach ((SnapshotId id, string name) in markers)
        {
            if (manifests.Contains(id))
            {
                await GuardAsync(() => store.ReadMarkAsync(id, cancellationToken), name, id).ConfigureAwait(false);
            }
            else
            {
                _findings.Note("orphan-marker", name, "its snapshot was deleted", "harmless: it means nothing without its snapshot; prune removes it");
            }
        }

        await GuardAsync(() => CheckKeysAsync(cancellationToken), ObjectNames.KeysPrefix, harmed: null).ConfigureAwait(false);
        foreach (IntentInfo intent in await new IntentStore(backend, keys).ListAsync(cancellationToken).ConfigureAwait(false))
        {
            if (intent.Damage is { } damage)
            {
                _findings.Note("intent-damaged", intent.Name, damage.Message, "harms no snapshot, but stops prune for a day; 'checkpointer unlock --all' removes it when no checkpoint runs");
            }
        }

        (int unfinished, long bytes) = await UnfinishedUploads.CountAsync(backend, cancellationToken).ConfigureAwait(false);
        if (unfinished > 0)
        {
            string found = string.Create(CultureInfo.InvariantCulture, $"{unfinished} of them take {ByteSize.Format(bytes)}");
            _findings.Note("unfinished-uploads", "unfinished uploads", found, "harmless: killed or running checkpoints hold them; prune removes those that nobody can be writing");
        }

        if (!complete)
        {
            // A damaged manifest may name anything: nothing can be called a leftover.
            return;
        }

        Unneeded(inventory.Packs.Keys, _needed.Packs.ContainsKey, ObjectNames.Pack);
        Unneeded(inventory.Maps.Keys, _needed.Maps.Contains, ObjectNames.Map);
        Unneeded(inventory.Moves.Keys, _needed.Packs.ContainsKey, ObjectNames.Move);
    }

    /// <summary>Every key, also those that this one did not open the repository with: whoever has only one of them finds out too late.</summary>
    private async Task CheckKeysAsync(CancellationToken cancellationToken)
    {
        KeyStore store = new(backend);
        foreach (string id in await store.IdsAsync(cancellationToken).ConfigureAwait(false))
        {
            if (await store.DescribeAsync(id, keys, inUse: null, cancellationToken).ConfigureAwait(false) is { Trust: KeyTrust.Unsound })
            {
                string name = ObjectNames.Key(id);
                _findings.Add(Damage.Of(name, "it opens nothing: it was changed, or somebody else wrote it there"), name, harmed: null);
            }
        }
    }

    private void Unneeded(IEnumerable<ObjectId> ids, Func<ObjectId, bool> isNeeded, Func<ObjectId, string> nameOf)
    {
        foreach (string name in ids.Where(i => !isNeeded(i)).Select(nameOf).Order(StringComparer.Ordinal))
        {
            _findings.Note("unreferenced-object", name, "no snapshot names it", PruneRemovesIt);
        }
    }
}
