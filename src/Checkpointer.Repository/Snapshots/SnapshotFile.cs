namespace Checkpointer.Repository;

/// <summary>How a file is chunked. The numbers are persisted.</summary>
public enum FileKind
{
    /// <summary>Bulk memory: chunks are cut at content-defined page boundaries.</summary>
    Pages = 1,

    /// <summary>A byte stream; small writes of many files share blocks.</summary>
    Bytes = 2,
}

/// <summary>One file of a snapshot. <paramref name="Length"/> is in bytes.</summary>
public sealed record SnapshotFile(string Name, FileKind Kind, long Length);
