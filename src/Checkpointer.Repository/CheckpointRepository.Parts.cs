namespace Checkpointer.Repository;

/// <summary>What other parts of this library need of an opened repository.</summary>
public sealed partial class CheckpointRepository
{
    internal IBackend Backend => _backend;

    internal KeyRing Keys => _keys;

    internal SnapshotStore Store => _store;

    /// <summary>Every snapshot's id, sound or not.</summary>
    internal Task<List<SnapshotId>> IdsAsync(CancellationToken cancellationToken) => _catalog.IdsAsync(cancellationToken);
}
