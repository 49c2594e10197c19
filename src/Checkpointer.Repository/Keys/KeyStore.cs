namespace Checkpointer.Repository;

/// <summary>The key objects of one place: finds the one that a key opens, lists, adds and removes.</summary>
internal sealed class KeyStore(IBackend backend, long maxTriedIterations = KeyStore.MaxTriedIterations)
{
    /// <summary>Key objects that a repository may have, and that a reader looks at: each passphrase among them costs half a second.</summary>
    internal const int MaxKeys = 64;

    /// <summary>Rounds of the slow derivation that one opening spends at most, whatever objects a hostile store offers: about half a minute. Room for
    /// <see cref="MaxKeys"/> objects of ours.</summary>
    internal const int MaxTriedIterations = 40_000_000;

    /// <summary>The id and the ring behind it, or null where the key opens nothing here. Codes repository-damaged and repository-too-new for a key file's own object.</summary>
    public Task<(string Id, KeyRing Ring)?> TryOpenAsync(RepositoryKey key, CancellationToken cancellationToken) =>
        key is KeyFile file ? TryOpenAsync(file, cancellationToken) : TryOpenAsync((Passphrase)key, cancellationToken);

    /// <summary>The ids of all key objects, in order. Code repository-damaged for more than there may be.</summary>
    public async Task<List<string>> IdsAsync(CancellationToken cancellationToken)
    {
        List<string> ids = [];
        await foreach (ObjectInfo info in backend.ListAsync(ObjectNames.KeysPrefix, cancellationToken).ConfigureAwait(false))
        {
            string id = info.Name[ObjectNames.KeysPrefix.Length..];
            if (!ObjectId.TryParse(id, out _))
            {
                continue;
            }

            ids.Add(id);
            if (ids.Count > MaxKeys)
            {
                throw new RepositoryException(
                    RepositoryCodes.Damaged,
                    $"there are more than {MaxKeys} keys in {backend.Describe()}; somebody else wrote them there",
                    "remove what 'checkpointer key' did not make from keys/, or open the repository with a key file")
                { ObjectName = ObjectNames.KeysPrefix };
            }
        }

        ids.Sort(StringComparer.Ordinal);
        return ids;
    }

    /// <summary>The object's bytes, or null when it is gone.</summary>
    public Task<byte[]?> TryReadAsync(string id, CancellationToken cancellationToken) =>
        backend.TryReadAllAsync(ObjectNames.Key(id), FormatConstants.MaxKeyObject, cancellationToken);

    /// <summary>What there is to say about a key object. Null: it is gone.</summary>
    public async Task<KeyInfo?> DescribeAsync(string id, KeyRing ring, string? inUse, CancellationToken cancellationToken)
    {
        try
        {
            if (await TryReadAsync(id, cancellationToken).ConfigureAwait(false) is not { } json)
            {
                return null;
            }

            KeyDocument document = KeyWrapping.Parse(id, json);
            KeyTrust trust = KeyWrapping.TrustOf(id, document, ring);
            bool verified = trust == KeyTrust.Verified;
            return new KeyInfo
            {
                Id = id,
                Kind = document.Kdf == KeyWrapping.SlowKdf ? KeyKind.Passphrase : KeyKind.KeyFile,
                Trust = trust,
                Label = verified ? document.Label : null,
                Created = verified && DateTimeOffset.TryParse(
                    document.Created, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.RoundtripKind, out DateTimeOffset created)
                    ? created
                    : null,
                Iterations = document.Iterations ?? 0,
                InUse = id == inUse,
            };
        }
        catch (RepositoryException e) when (e.Code is RepositoryCodes.Damaged or RepositoryCodes.TooNew)
        {
            return new KeyInfo { Id = id, Kind = KeyKind.Unknown, Trust = KeyTrust.Unsound, InUse = id == inUse };
        }
    }

    private async Task<(string Id, KeyRing Ring)?> TryOpenAsync(KeyFile key, CancellationToken cancellationToken)
    {
        byte[]? json = await TryReadAsync(key.Id, cancellationToken).ConfigureAwait(false);
        return json is not null && KeyWrapping.TryUnwrap(key, key.Id, KeyWrapping.Parse(key.Id, json)) is { } ring ? (key.Id, ring) : null;
    }

    /// <summary>A passphrase does not say which object is its own: each is tried, the cheapest first, so that costly ones of a stranger keep nobody out.</summary>
    private async Task<(string Id, KeyRing Ring)?> TryOpenAsync(Passphrase key, CancellationToken cancellationToken)
    {
        long left = maxTriedIterations;
        foreach ((string id, KeyDocument document) in await PassphraseObjectsAsync(cancellationToken).ConfigureAwait(false))
        {
            left -= document.Iterations ?? 0;
            if (left < 0)
            {
                throw new RepositoryException(
                    RepositoryCodes.Damaged,
                    $"the passphrase keys in {backend.Describe()} ask for more work than this program spends; somebody else wrote them there",
                    "remove what 'checkpointer key' did not make from keys/, or open the repository with a key file")
                { ObjectName = ObjectNames.KeysPrefix };
            }

            // Half a second of one core: not on the caller's thread.
            KeyRing? ring = await Task.Run(() => KeyWrapping.TryUnwrap(key, id, document), cancellationToken).ConfigureAwait(false);
            if (ring is not null)
            {
                return (id, ring);
            }
        }

        return null;
    }

    private async Task<List<(string Id, KeyDocument Document)>> PassphraseObjectsAsync(CancellationToken cancellationToken)
    {
        List<(string Id, KeyDocument Document)> found = [];
        foreach (string id in await IdsAsync(cancellationToken).ConfigureAwait(false))
        {
            try
            {
                if (await TryReadAsync(id, cancellationToken).ConfigureAwait(false) is { } json
                    && KeyWrapping.Parse(id, json) is { Kdf: KeyWrapping.SlowKdf } document)
                {
                    found.Add((id, document));
                }
            }
            catch (RepositoryException e) when (e.Code is RepositoryCodes.Damaged or RepositoryCodes.TooNew)
            {
                // Another key's object: whether this passphrase opens the repository does not hang on it.
            }
        }

        return [.. found.OrderBy(f => f.Document.Iterations)];
    }
}
