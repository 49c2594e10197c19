using Checkpointer.Repository;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>A dump whose snapshot is durable.</summary>
/// <param name="Snapshot">What was committed.</param>
/// <param name="Frozen">From CRIU's connection to the stream until CRIU ended: a bound from above.</param>
/// <param name="CriuFrozen">CRIU's own figure; zero where it left no statistics.</param>
internal sealed record SealedDump(SnapshotInfo Snapshot, TimeSpan Frozen, TimeSpan CriuFrozen);
