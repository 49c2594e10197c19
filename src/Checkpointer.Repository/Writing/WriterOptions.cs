using Checkpointer.Platform;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Repository;

/// <summary>How a <see cref="SnapshotWriter"/> runs.</summary>
public sealed record WriterOptions
{
    /// <summary>More workers than this only fight for the store.</summary>
    public const int MaxDefaultWorkers = 8;

    /// <summary>Bytes: a parent of 27 GiB is held whole, 1 TiB is searched by one sample in 26.</summary>
    public const long DefaultParentMemory = 64L << 20;

    /// <summary>Bytes: with less the parent is not searched.</summary>
    public const long LeastParentMemory = ReuseBudget.Least;

    /// <summary>The pool that the appended blocks come from; it tells the writer whether the input waits. The caller disposes it, after the writer.</summary>
    public required BlockPool Pool { get; init; }

    /// <summary>Dedicated threads that hash, compress, seal and write.</summary>
    public int Workers { get; init; } = Math.Min(Environment.ProcessorCount, MaxDefaultWorkers);

    /// <summary>
    /// Bytes for finding chunks in the parent, whatever the size of the parent: see <see cref="ReuseBudget"/>. Zero: everything is stored.
    /// </summary>
    public long ParentMemory { get; init; } = DefaultParentMemory;

    /// <summary>Bytes for knowing the chunks of <see cref="SnapshotWriter.OpenEarly"/>; zero: nothing is stored early. See <see cref="EarlyMemoryFor"/>.</summary>
    public long EarlyMemory { get; init; }

    public ILogger? Logger { get; init; }

    /// <summary>The clock of <see cref="WriterProgress.LastAdvance"/>.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Bytes that a writer uses beyond the pool, whatever the size of the snapshot (without the 128 KiB that each open bulk file may carry).</summary>
    public static long OverheadBytes(int workers) =>
        (workers * SnapshotWorker.MemoryBytes) + (SmallWrites.Buffers * (long)SmallWrites.BufferSize) + MapWriter.MemoryBytes;

    /// <summary>Bytes with which a writer knows that many bytes of early content.</summary>
    public static long EarlyMemoryFor(long content) => EarlyTable.MemoryFor(content);

    /// <summary>Bytes that a writer with a parent uses beside them: its search, and the buffers through which the parent's map is read.</summary>
    public static long ParentOverheadBytes(long parentMemory) => parentMemory < ReuseBudget.Least ? 0 : parentMemory + ReuseBudget.LoaderBytes;
}
