namespace Checkpointer.Repository;

/// <summary>The keys of an opened repository. All of them wrap the same master key: a leaked master key is mended by a copy into a new repository only.</summary>
public sealed partial class CheckpointRepository
{
    /// <summary>The id of the key that opened the repository.</summary>
    public string KeyId { get; }

    /// <summary>All keys, oldest first; those that cannot be trusted too. At most 64.</summary>
    public Task<IReadOnlyList<KeyInfo>> ListKeysAsync(CancellationToken cancellationToken) => Rotation(TimeProvider.System).ListAsync(cancellationToken);

    /// <summary>
    /// Lets another key open the repository too; false where it does already. Codes passphrase-short, key-label (usage), key-exists, snapshot-limit-exceeded.
    /// </summary>
    public Task<(KeyInfo Key, bool Added)> AddKeyAsync(RepositoryKey key, string? label, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(time);
        return Rotation(time).AddAsync(key, label, cancellationToken);
    }

    /// <summary>Removes a key by its id, a unique prefix of it, or its label. Codes key-not-found, key-ambiguous, key-last, key-in-use (unless <paramref name="force"/>).</summary>
    public Task<KeyInfo> RemoveKeyAsync(string idOrLabel, bool force, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(idOrLabel);
        return Rotation(TimeProvider.System).RemoveAsync(idOrLabel, force, cancellationToken);
    }

    /// <summary>Puts a new key in the place of the one that opened the repository: added and read back first, removed then. The label is taken over where none is given.</summary>
    public Task<(KeyInfo Added, KeyInfo Removed)> RotateKeyAsync(RepositoryKey key, string? label, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(time);
        return Rotation(time).RotateAsync(key, label, cancellationToken);
    }

    private KeyRotation Rotation(TimeProvider time) => new(_backend, _keys, KeyId, time);
}
