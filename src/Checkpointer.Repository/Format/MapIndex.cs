namespace Checkpointer.Repository;

/// <summary>A map's index in memory: which packs there are, and for each file its segments in order.</summary>
internal sealed record MapIndex(IReadOnlyList<PackReference> Packs, IReadOnlyList<MapIndexFile> Files);

/// <summary>A pack that a map names, with the length that it must have.</summary>
internal readonly record struct PackReference(ObjectId Id, long Length);

/// <summary>A file of a map.</summary>
internal sealed record MapIndexFile(SnapshotFile File, MapSegment[] Segments);
