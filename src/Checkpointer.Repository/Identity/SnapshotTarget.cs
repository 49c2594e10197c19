namespace Checkpointer.Repository;

/// <summary>
/// The snapshot that a writer is to make. <paramref name="Generation"/> is 1 or higher. <paramref name="Parent"/> is recorded with its manifest's digest;
/// a parent that no longer exists is recorded by id only.
/// </summary>
public sealed record SnapshotTarget(LineageId Lineage, long Generation, SnapshotId? Parent)
{
    /// <summary>The id that the committed snapshot will have.</summary>
    public SnapshotId Id => new(Lineage, Generation);
}
