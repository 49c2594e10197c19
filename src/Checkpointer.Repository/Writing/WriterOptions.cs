using Checkpointer.Platform;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Repository;

/// <summary>How a <see cref="SnapshotWriter"/> runs.</summary>
public sealed record WriterOptions
{
    /// <summary>More workers than this only fight for the store.</summary>
    public const int MaxDefaultWorkers = 8;

    /// <summary>The pool that the appended blocks come from; it tells the writer whether the input waits. The caller disposes it, after the writer.</summary>
    public required BlockPool Pool { get; init; }

    /// <summary>Dedicated threads that hash, compress, seal and write.</summary>
    public int Workers { get; init; } = Math.Min(Environment.ProcessorCount, MaxDefaultWorkers);

    public ILogger? Logger { get; init; }

    /// <summary>The clock of <see cref="WriterProgress.LastAdvance"/>.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Bytes that a writer uses beyond the pool, whatever the size of the snapshot (without the 128 KiB that each open bulk file may carry).</summary>
    public static long OverheadBytes(int workers) =>
        (workers * SnapshotWorker.MemoryBytes) + (SmallWrites.Buffers * (long)SmallWrites.BufferSize) + MapWriter.MemoryBytes;
}
