namespace Checkpointer.Repository;

/// <summary>
/// Changes the set of keys of one repository. Whatever is interrupted, and whoever races, at least one key that works is in the store at every moment:
/// a new object is written and read back before an old one goes, and after a removal the key that stayed is looked at again.
/// </summary>
internal sealed class KeyRotation(IBackend backend, KeyRing ring, string inUse, TimeProvider time)
{
    private readonly KeyStore _store = new(backend);

    public async Task<IReadOnlyList<KeyInfo>> ListAsync(CancellationToken cancellationToken)
    {
        List<KeyInfo> keys = [];
        foreach (string id in await _store.IdsAsync(cancellationToken).ConfigureAwait(false))
        {
            if (await _store.DescribeAsync(id, ring, inUse, cancellationToken).ConfigureAwait(false) is { } info)
            {
                keys.Add(info);
            }
        }

        return [.. keys.OrderBy(k => k.Created ?? DateTimeOffset.MinValue).ThenBy(k => k.Id, StringComparer.Ordinal)];
    }

    /// <summary>Wraps the master key once more, and proves from the store that it opens. A key that is there already is told, not written again (false).</summary>
    public async Task<(KeyInfo Key, bool Added)> AddAsync(RepositoryKey key, string? label, CancellationToken cancellationToken)
    {
        KeyLabels.Require(label);
        (key as Passphrase)?.RequireStrength();
        if (await _store.TryOpenAsync(key, cancellationToken).ConfigureAwait(false) is { } there)
        {
            bool same = there.Ring.HasSameMaster(ring);
            there.Ring.Dispose();
            KeyInfo? info = await _store.DescribeAsync(there.Id, ring, inUse, cancellationToken).ConfigureAwait(false);
            return same && info is not null ? (info, false) : throw Damage.Of(ObjectNames.Key(there.Id), "it wraps the key of another repository");
        }

        if ((await _store.IdsAsync(cancellationToken).ConfigureAwait(false)).Count >= KeyStore.MaxKeys)
        {
            throw new RepositoryException(
                RepositoryCodes.LimitExceeded, $"the repository has {KeyStore.MaxKeys} keys, the most that it may have; nothing was changed", "remove one with 'checkpointer key remove'");
        }

        string id = key is KeyFile file ? file.Id : ObjectId.New().ToString();
        byte[] data = await Task.Run(() => KeyWrapping.Wrap(key, id, ring, label, time.GetUtcNow()), cancellationToken).ConfigureAwait(false);
        if (!backend.Put(ObjectNames.Key(id), data, cancellationToken))
        {
            throw new RepositoryException(
                RepositoryCodes.KeyExists,
                $"{ObjectNames.Key(id)} is in {backend.Describe()} already, and {key.Description} does not open it; nothing was changed",
                "take another key file, or remove that key first");
        }

        await ProveAsync(key, id, cancellationToken).ConfigureAwait(false);
        return ((await _store.DescribeAsync(id, ring, inUse, cancellationToken).ConfigureAwait(false))!, true);
    }

    /// <summary>
    /// Removes a key. The one that opened the repository goes only with <paramref name="force"/>, and only while another one is there that a holder of the master
    /// key made: so the last one never goes. Codes key-not-found, key-in-use, key-last.
    /// </summary>
    public async Task<KeyInfo> RemoveAsync(string idOrLabel, bool force, CancellationToken cancellationToken)
    {
        IReadOnlyList<KeyInfo> keys = await ListAsync(cancellationToken).ConfigureAwait(false);
        KeyInfo victim = Choose(keys, idOrLabel);
        KeyInfo? stays = keys.FirstOrDefault(k => k.InUse && k != victim) ?? keys.FirstOrDefault(k => k.Trust == KeyTrust.Verified && k != victim);
        if (stays is null)
        {
            throw new RepositoryException(
                RepositoryCodes.KeyLast,
                $"{victim.Id} is the last key that is known to open the repository; without it nobody could; nothing was changed",
                "add another with 'checkpointer key add' first, or open the repository with the key that shall stay");
        }

        if (victim.InUse && !force)
        {
            throw new RepositoryException(
                RepositoryCodes.KeyInUse,
                $"{victim.Id} is the key that opened the repository just now; nothing was changed",
                "open the repository with the key that shall stay, or say --force");
        }

        await RemoveAsync(victim, stays, cancellationToken).ConfigureAwait(false);
        return victim;
    }

    /// <summary>Adds the new key, then removes the one that opened the repository. Run again after an interruption it finishes what is left.</summary>
    public async Task<(KeyInfo Added, KeyInfo Removed)> RotateAsync(RepositoryKey key, string? label, CancellationToken cancellationToken)
    {
        KeyInfo old = await _store.DescribeAsync(inUse, ring, inUse, cancellationToken).ConfigureAwait(false) ?? throw Damage.Missing(ObjectNames.Key(inUse));
        (KeyInfo added, _) = await AddAsync(key, label ?? old.Label, cancellationToken).ConfigureAwait(false);
        if (added.Id == inUse)
        {
            throw new UsageException("key-same", $"{key.Description} is the key that the repository is opened with; nothing was changed", "name a new key file or passphrase");
        }

        await RemoveAsync(old, added, cancellationToken).ConfigureAwait(false);
        return (added, old);
    }

    private static KeyInfo Choose(IReadOnlyList<KeyInfo> keys, string idOrLabel)
    {
        KeyInfo[] found = [.. keys.Where(k => k.Label == idOrLabel || (idOrLabel.Length > 0 && k.Id.StartsWith(idOrLabel, StringComparison.Ordinal)))];
        return found.Length switch
        {
            1 => found[0],
            0 => throw new RepositoryException(RepositoryCodes.KeyNotFound, $"no key has the id or label '{idOrLabel}'", "run 'checkpointer key list' to see the keys"),
            _ => throw new RepositoryException(RepositoryCodes.KeyAmbiguous, $"'{idOrLabel}' could be any of {found.Length} keys", "write more of the id"),
        };
    }

    private async Task RemoveAsync(KeyInfo victim, KeyInfo stays, CancellationToken cancellationToken)
    {
        byte[]? data = await _store.TryReadAsync(victim.Id, cancellationToken).ConfigureAwait(false);
        if (!await backend.DeleteAsync(ObjectNames.Key(victim.Id), cancellationToken).ConfigureAwait(false))
        {
            return;
        }

        // Two people who remove each other's key at once would leave none: whoever comes last sees it here and puts back what he took.
        if (data is not null && await _store.TryReadAsync(stays.Id, CancellationToken.None).ConfigureAwait(false) is null)
        {
            backend.Put(ObjectNames.Key(victim.Id), data, CancellationToken.None);
            throw new RepositoryException(
                RepositoryCodes.KeyLast,
                $"the key {stays.Id}, which was to stay, was removed by somebody else meanwhile; {victim.Id} was put back",
                "look at 'checkpointer key list' and agree on who changes keys");
        }
    }

    /// <summary>From what the store gives back, not from what was sent.</summary>
    private async Task ProveAsync(RepositoryKey key, string id, CancellationToken cancellationToken)
    {
        byte[] stored = await _store.TryReadAsync(id, cancellationToken).ConfigureAwait(false) ?? throw Damage.Missing(ObjectNames.Key(id));
        KeyDocument document = KeyWrapping.Parse(id, stored);
        using KeyRing? again = await Task.Run(() => KeyWrapping.TryUnwrap(key, id, document), cancellationToken).ConfigureAwait(false);
        if (again is null || !again.HasSameMaster(ring))
        {
            throw Damage.Of(ObjectNames.Key(id), "the store gave back something else than was written");
        }
    }
}
