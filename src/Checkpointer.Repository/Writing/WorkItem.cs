using System.Buffers;
using Checkpointer.Platform;

namespace Checkpointer.Repository;

/// <summary>Bytes of one file that start and end at a cut: any worker may take them. Whoever holds the item disposes it, which gives the memory back.</summary>
internal abstract class WorkItem : IDisposable
{
    /// <summary>Position in the queue, given when it is enqueued.</summary>
    public long Number { get; set; }

    public abstract void Dispose();
}

/// <summary>A pool block (with its carry) up to its last cut.</summary>
internal sealed class BlockItem(FileWriter file, long sequence, Block block, int length, bool previousIsMark) : WorkItem
{
    public FileWriter File => file;

    public long Sequence => sequence;

    public bool PreviousIsMark => previousIsMark;

    public ReadOnlySpan<byte> Data => block.Filled[..length];

    public override void Dispose() => block.Dispose();
}

/// <summary>The last piece of a file, in a rented array.</summary>
internal sealed class TailItem(FileWriter file, long sequence, byte[] buffer, int length, bool previousIsMark) : WorkItem
{
    public FileWriter File => file;

    public long Sequence => sequence;

    public bool PreviousIsMark => previousIsMark;

    public ReadOnlySpan<byte> Data => buffer.AsSpan(0, length);

    public override void Dispose() => ArrayPool<byte>.Shared.Return(buffer);
}

/// <summary>Small writes of many files, side by side in one buffer.</summary>
internal sealed class SmallItem(SmallBuffer buffer, SmallWrites owner) : WorkItem
{
    public SmallBuffer Buffer => buffer;

    public override void Dispose() => owner.Return(buffer);
}
