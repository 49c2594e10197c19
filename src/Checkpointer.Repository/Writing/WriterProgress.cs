namespace Checkpointer.Repository;

/// <summary>A writer's counters at one moment, all in bytes but the last.</summary>
public sealed record WriterProgress
{
    /// <summary>Appended so far, zeroes included.</summary>
    public long BytesCaptured { get; init; }

    /// <summary>Accepted by the store so far.</summary>
    public long BytesStored { get; init; }

    /// <summary>Elided because they were zero.</summary>
    public long ZeroBytes { get; init; }

    /// <summary>Found in the parent and not stored again.</summary>
    public long ReusedBytes { get; init; }

    /// <summary>Stored raw without trying to compress because the input was waiting for this writer.</summary>
    public long StoredRawStarved { get; init; }

    /// <summary>Raw bytes that went through the compressor, kept or not.</summary>
    public long CompressionTried { get; init; }

    /// <summary><see cref="TimeProvider.GetTimestamp"/> of the last time that any byte came in or went out: what a watchdog compares.</summary>
    public long LastAdvance { get; init; }
}
