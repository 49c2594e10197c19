using Checkpointer.Repository;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>A dump whose snapshot is durable.</summary>
/// <param name="Snapshot">What was committed.</param>
/// <param name="Frozen">From the first stop until the last CRIU ended: a bound from above.</param>
/// <param name="CriuFrozen">CRIU's own figures, one a tree; zero where it left no statistics.</param>
/// <param name="Findings">What was seen only while it was captured: files that somebody else wrote to meanwhile.</param>
internal sealed record SealedDump(SnapshotInfo Snapshot, TimeSpan Frozen, IReadOnlyList<TimeSpan> CriuFrozen, IReadOnlyList<Finding> Findings);
