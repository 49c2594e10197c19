using System.Security.Cryptography;

namespace Checkpointer.Repository;

/// <summary>
/// An opened repository. Thread-safe. Every error is a <see cref="RepositoryException"/> with a code of <see cref="RepositoryCodes"/>; after any of them the
/// repository object stays usable and no committed snapshot is harmed.
/// </summary>
public sealed partial class CheckpointRepository : IAsyncDisposable
{
    /// <summary>How long a deletion waits for a prune that reads manifests; longer than the lease of one that died.</summary>
    public static readonly TimeSpan DeletePatience = TimeSpan.FromSeconds(90);

    private readonly IBackend _backend;
    private readonly KeyRing _keys;
    private readonly SnapshotStore _store;
    private readonly SnapshotCatalog _catalog;

    private CheckpointRepository(IBackend backend, KeyRing keys, string keyId)
    {
        KeyId = keyId;
        _backend = backend;
        _keys = keys;
        _store = new SnapshotStore(backend, keys);
        _catalog = new SnapshotCatalog(backend, _store);
    }

    /// <summary>32 hex digits.</summary>
    public string Id => _keys.Repository.ToString();

    /// <summary>Bytes that the store's uploads take at most beyond the writer's own memory, so many at once: <see cref="IBackend.UploadBytes"/>.</summary>
    public long UploadBytes(int uploads) => _backend.UploadBytes(uploads);

    /// <summary>The place, for people.</summary>
    public string Description => _backend.Describe();

    /// <summary>Makes a repository; code repository-exists where there is one. On success the backend is disposed with the repository.</summary>
    public static async Task<CheckpointRepository> InitAsync(
        IBackend backend, RepositoryKey key, CancellationToken cancellationToken, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(backend);
        ArgumentNullException.ThrowIfNull(key);
        await backend.PrepareAsync(cancellationToken).ConfigureAwait(false);
        if (await backend.StatAsync(ObjectNames.Repository, cancellationToken).ConfigureAwait(false) is not null)
        {
            throw Exists(backend);
        }

        (string id, KeyRing keys) = await MakeKeyAsync(backend, key, time ?? TimeProvider.System, cancellationToken).ConfigureAwait(false);
        if (!backend.Put(ObjectNames.Repository, RepositoryConfig.Make(keys), cancellationToken))
        {
            keys.Dispose();
            throw Exists(backend);
        }

        return new CheckpointRepository(backend, keys, id);
    }

    /// <summary>Codes repository-not-found, wrong-key, repository-damaged, repository-too-new. On success the backend is disposed with the repository.</summary>
    public static Task<CheckpointRepository> OpenAsync(IBackend backend, RepositoryKey key, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        return OpenAsync(backend, () => key, cancellationToken);
    }

    /// <summary>As the other, with a <see cref="KeyReference"/> as text.</summary>
    public static Task<CheckpointRepository> OpenAsync(IBackend backend, string keyReference, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keyReference);
        return OpenAsync(backend, () => KeyReference.Parse(keyReference).Load(), cancellationToken);
    }

    /// <summary>
    /// As the other, with a key that is read only once the repository is found: where both are missing, it is the repository that
    /// a person must hear of. Also the codes of <see cref="KeyReference.Load"/>.
    /// </summary>
    public static async Task<CheckpointRepository> OpenAsync(IBackend backend, Func<RepositoryKey> loadKey, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(backend);
        ArgumentNullException.ThrowIfNull(loadKey);
        byte[] json = await backend.TryReadAllAsync(ObjectNames.Repository, FormatConstants.MaxConfig, cancellationToken).ConfigureAwait(false)
            ?? throw new RepositoryException(
                RepositoryCodes.RepositoryNotFound, $"there is no repository in {backend.Describe()}", "make one with 'checkpointer init'");
        ConfigDocument config = RepositoryConfig.Parse(json);
        RepositoryKey key = loadKey();
        (string id, KeyRing keys) = await new KeyStore(backend).TryOpenAsync(key, cancellationToken).ConfigureAwait(false)
            ?? throw KeyWrapping.Wrong(key, backend.Describe());
        try
        {
            if (config.Id != keys.Repository.ToString())
            {
                throw KeyWrapping.Wrong(key, backend.Describe());
            }

            RepositoryConfig.Verify(config, keys);
            return new CheckpointRepository(backend, keys, id);
        }
        catch (Exception)
        {
            keys.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Opens the parent, so that what it holds already is not stored again, and starts the workers of a new snapshot. Nothing of it is visible before its commit.
    /// Its <see cref="SnapshotWriter.Target"/> names the parent that is used: the given one, or an earlier generation where that is damaged. A parent that cannot be
    /// used never fails this. From here on prune keeps what the parent's map names and whatever is written: an intent in <c>locks/writers/</c> says so, until the
    /// writer is disposed. Talks to the store, so call it before a workload is frozen.
    /// </summary>
    public async Task<SnapshotWriter> BeginSnapshotAsync(SnapshotTarget target, WriterOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(options);
        OpenedParent parent = await new ParentOpening(_backend, _keys, _store, _catalog, options).OpenAsync(target, cancellationToken).ConfigureAwait(false);
        try
        {
            return new SnapshotWriter(_backend, _keys, _store, target with { Parent = parent.Use.Parent ?? target.Parent }, parent, options);
        }
        catch (Exception)
        {
            await parent.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Authenticates the manifest and the map's index.</summary>
    public async Task<SnapshotReader> OpenSnapshotAsync(SnapshotId id, CancellationToken cancellationToken)
    {
        LoadedManifest manifest = await _store.LoadAsync(id, cancellationToken).ConfigureAwait(false);
        ReadWindow window = new(TimeProvider.System);
        long start = window.Start();
        MapIndex index = await MapReader.ReadIndexAsync(_backend, _keys, manifest.Map, cancellationToken).ConfigureAwait(false);

        // Its header, and at least one frame.
        window.End(start, requests: 1 + ((manifest.Map.IndexLength + FormatConstants.IndexFrame - 1) / FormatConstants.IndexFrame));
        return new SnapshotReader(_backend, _keys, manifest.Info, manifest.Map.Id, index, window);
    }

    /// <summary>All snapshots by lineage and generation; a damaged one is listed with <see cref="SnapshotInfo.Damage"/>.</summary>
    public Task<IReadOnlyList<SnapshotInfo>> ListAsync(CancellationToken cancellationToken) => _catalog.ListAsync(cancellationToken);

    /// <summary>A whole id or a unique prefix of one. Codes snapshot-not-found, snapshot-ambiguous.</summary>
    public Task<SnapshotId> ResolveAsync(string textOrUniquePrefix, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(textOrUniquePrefix);
        return _catalog.ResolveAsync(textOrUniquePrefix, cancellationToken);
    }

    /// <summary>True where there is such a snapshot, sound or not.</summary>
    public async Task<bool> ExistsAsync(SnapshotId id, CancellationToken cancellationToken) =>
        await _backend.StatAsync(ObjectNames.Manifest(id), cancellationToken).ConfigureAwait(false) is not null;

    /// <summary>
    /// The highest generation of a lineage (given by its 32 hex digits), or of the snapshots with a name. Null: none. Code snapshot-ambiguous when several lineages
    /// bear the name. A damaged newest one is returned with its damage, never silently passed over.
    /// </summary>
    public Task<SnapshotInfo?> FindNewestAsync(string nameOrLineage, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(nameOrLineage);
        return _catalog.FindNewestAsync(nameOrLineage, cancellationToken);
    }

    /// <summary>As <see cref="FindNewestAsync"/>, never null: codes snapshot-not-found, and repository-damaged where the name may be that of a damaged manifest.</summary>
    public Task<SnapshotInfo> GetNewestAsync(string nameOrLineage, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(nameOrLineage);
        return _catalog.GetNewestAsync(nameOrLineage, cancellationToken);
    }

    /// <summary>Marks that the workload went on after this snapshot. Idempotent. Code snapshot-not-found.</summary>
    public Task MarkSupersededAsync(SnapshotId id, string reason, CancellationToken cancellationToken) => _store.MarkSupersededAsync(id, reason, cancellationToken);

    /// <summary>
    /// Deletes the manifest (then its marker): the snapshot no longer exists. Its packs are removed by a later prune. Codes snapshot-not-found, and maintenance-running
    /// when a prune reads manifests for longer than <see cref="DeletePatience"/>.
    /// </summary>
    public async Task DeleteAsync(SnapshotId id, CancellationToken cancellationToken)
    {
        await using HeldLease lease = await HeldLease.TakeAsync(
            _backend, _keys, ObjectNames.RootsLease, "delete", DeletePatience, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        await _store.DeleteAsync(id, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Removes what no snapshot and no running writer needs. Codes maintenance-running, clock-drift, prune-refused (something that may name anything cannot be read),
    /// lease-lost. Whatever ends it early, nothing that is needed is gone, and the next prune does the rest.
    /// </summary>
    /// <param name="options">What to do.</param>
    /// <param name="onPlan">Told the plan before anything is deleted; throwing there deletes nothing.</param>
    /// <param name="progress">Told how far it is; null for nobody.</param>
    /// <param name="cancellationToken">Stops it at any point.</param>
    public Task<PruneReport> PruneAsync(PruneOptions options, Action<PrunePlan>? onPlan, IProgress<PruneProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new Prune(_backend, _keys, _store, options, progress).RunAsync(onPlan, cancellationToken);
    }

    /// <summary>Structure and references of everything; with <paramref name="data"/> also every stored byte. Damage is a finding, never an exception.</summary>
    public Task<CheckReport> CheckAsync(bool data, IProgress<CheckProgress>? progress, CancellationToken cancellationToken) =>
        CheckAsync(new CheckOptions { Depth = data ? CheckDepth.Data : CheckDepth.References }, progress, cancellationToken);

    /// <summary>Looks at everything as deep as the options say. Damage is a finding, never an exception.</summary>
    public Task<CheckReport> CheckAsync(CheckOptions options, IProgress<CheckProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new RepositoryCheck(_backend, _keys, _store, _catalog, options, progress).RunAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _keys.Dispose();
        await _backend.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>The key object comes first. One that an interrupted init of the same key left is taken over, so that the second try finishes the first.</summary>
    private static async Task<(string Id, KeyRing Ring)> MakeKeyAsync(IBackend backend, RepositoryKey key, TimeProvider time, CancellationToken cancellationToken)
    {
        KeyStore store = new(backend);
        if (await store.TryOpenAsync(key, cancellationToken).ConfigureAwait(false) is { } left)
        {
            return left;
        }

        (key as Passphrase)?.RequireStrength();
        byte[] master = RandomNumberGenerator.GetBytes(FormatConstants.KeySize);
        KeyRing ring = new(master, ObjectId.New());
        CryptographicOperations.ZeroMemory(master);
        try
        {
            string id = key is KeyFile file ? file.Id : ObjectId.New().ToString();
            byte[] data = await Task.Run(() => KeyWrapping.Wrap(key, id, ring, null, time.GetUtcNow()), cancellationToken).ConfigureAwait(false);
            if (backend.Put(ObjectNames.Key(id), data, cancellationToken))
            {
                return (id, ring);
            }
        }
        catch (Exception)
        {
            ring.Dispose();
            throw;
        }

        ring.Dispose();
        return await store.TryOpenAsync(key, cancellationToken).ConfigureAwait(false) ?? throw KeyWrapping.Wrong(key, backend.Describe());
    }

    private static RepositoryException Exists(IBackend backend) =>
        new(RepositoryCodes.RepositoryExists, $"there is a repository in {backend.Describe()} already; nothing was changed", "use it, or name another place");
}
