namespace Checkpointer.Repository;

/// <summary>How a copy between repositories runs.</summary>
public sealed record CopyOptions
{
    /// <summary>Every copied snapshot, and every one that was there, is read back whole from the target.</summary>
    public bool Verify { get; init; }

    /// <summary>Nothing is written; the report tells what would be.</summary>
    public bool DryRun { get; init; }

    /// <summary>Threads that hash and seal.</summary>
    public int Workers { get; init; } = Math.Min(Environment.ProcessorCount, WriterOptions.MaxDefaultWorkers);

    /// <summary>Bytes for finding chunks in the target's earlier generation.</summary>
    public long ParentMemory { get; init; } = WriterOptions.DefaultParentMemory;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public Microsoft.Extensions.Logging.ILogger? Logger { get; init; }

    /// <summary>Bytes that a copy uses, whatever the size of the snapshots (besides the index of one map).</summary>
    public long MemoryBytes =>
        SnapshotCopy.MemoryBytes + WriterOptions.OverheadBytes(Workers) + WriterOptions.ParentOverheadBytes(ParentMemory);
}

/// <summary>What became of one snapshot of a copy.</summary>
public enum CopyOutcome
{
    /// <summary>It is in the target now.</summary>
    Copied,

    /// <summary>It was in the target before.</summary>
    AlreadyThere,

    /// <summary>A dry run: it would be copied.</summary>
    Planned,

    /// <summary>It is not in the target; see the error.</summary>
    Failed,
}

/// <summary>One snapshot of a copy. Bytes are those of its files, and those that it added to the target.</summary>
public sealed record CopyResult(SnapshotId Id, CopyOutcome Outcome, long BytesCaptured, long BytesStored, bool Verified, CheckpointerException? Error);

/// <summary>How far a copy is. <paramref name="BytesTotal"/> are the bytes of all files of the snapshots that are to be copied.</summary>
public sealed record CopyProgress(int SnapshotsDone, int SnapshotsTotal, long BytesDone, long BytesTotal, long BytesStored);
