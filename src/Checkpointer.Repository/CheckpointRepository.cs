namespace Checkpointer.Repository;

/// <summary>
/// An opened repository. Thread-safe. Every error is a <see cref="RepositoryException"/> with a code of <see cref="RepositoryCodes"/>; after any of them the
/// repository object stays usable and no committed snapshot is harmed.
/// </summary>
public sealed class CheckpointRepository : IAsyncDisposable
{
    /// <summary>32 hex digits.</summary>
    public string Id => throw new NotImplementedException();

    /// <summary>The place, for people.</summary>
    public string Description => throw new NotImplementedException();

    /// <summary>Makes a repository; code repository-exists where there is one. Takes over the backend.</summary>
    public static Task<CheckpointRepository> InitAsync(IBackend backend, KeyFile key, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Codes repository-not-found, wrong-key, repository-damaged, repository-too-new. Takes over the backend.</summary>
    public static Task<CheckpointRepository> OpenAsync(IBackend backend, KeyFile key, CancellationToken cancellationToken) => throw new NotImplementedException();

    public SnapshotWriter BeginSnapshot(SnapshotTarget target, WriterOptions options) => throw new NotImplementedException();

    /// <summary>Authenticates the manifest and the map's index.</summary>
    public Task<SnapshotReader> OpenSnapshotAsync(SnapshotId id, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>All snapshots by lineage and generation; a damaged one is listed with <see cref="SnapshotInfo.Damage"/>.</summary>
    public Task<IReadOnlyList<SnapshotInfo>> ListAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>A whole id or a unique prefix of one. Codes snapshot-not-found, snapshot-ambiguous.</summary>
    public Task<SnapshotId> ResolveAsync(string textOrUniquePrefix, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>The highest generation of a lineage, given by its 32 hex digits or by a name. Null: none. Code snapshot-ambiguous when several lineages bear the name.</summary>
    public Task<SnapshotInfo?> FindNewestAsync(string nameOrLineage, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Marks that the workload went on after this snapshot. Idempotent.</summary>
    public Task MarkSupersededAsync(SnapshotId id, string reason, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Deletes the manifest (then its marker): the snapshot no longer exists. Its packs are removed by a later prune.</summary>
    public Task DeleteAsync(SnapshotId id, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Structure and references of everything; with <paramref name="data"/> also every stored byte. Damage is a finding, never an exception.</summary>
    public Task<CheckReport> CheckAsync(bool data, IProgress<CheckProgress>? progress, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
