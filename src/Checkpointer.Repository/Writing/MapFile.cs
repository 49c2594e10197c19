namespace Checkpointer.Repository;

/// <summary>What the map writer knows of one file; used under its lock only.</summary>
internal sealed class MapFile
{
    /// <summary>Entries in order that are in no segment yet.</summary>
    public List<ChunkEntry> Pending { get; } = [];

    /// <summary>Bytes of the file that <see cref="Pending"/> covers.</summary>
    public long PendingBytes { get; set; }

    /// <summary>Results that came before an earlier one.</summary>
    public Dictionary<long, ChunkEntry[]> Early { get; } = [];

    public List<MapSegment> Segments { get; } = [];

    /// <summary>The result that is appended next.</summary>
    public long Next { get; set; }
}

/// <summary>Where a segment lies in the map object, and what it covers.</summary>
internal readonly record struct MapSegment(long Offset, int Frame, int Entries, long RawLength);
