using System.Buffers;

namespace Checkpointer.Platform;

/// <summary>The place of one block in the pool's memory: its headroom, then its data. It outlives the blocks that use it.</summary>
internal sealed unsafe class Slot : MemoryManager<byte>
{
    internal const int Stride = BlockPool.Headroom + BlockPool.BlockSize;

    private readonly MemoryMapping _mapping;
    private readonly byte* _start;

    internal Slot(BlockPool pool, MemoryMapping mapping, int index)
    {
        Pool = pool;
        _mapping = mapping;
        _start = (byte*)mapping.Start + ((long)index * Stride);
    }

    internal BlockPool Pool { get; }

    internal Memory<byte> Data => CreateMemory(BlockPool.Headroom, BlockPool.BlockSize);

    /// <inheritdoc/>
    public override Span<byte> GetSpan()
    {
        // A Memory<byte> that was kept too long must meet an exception, not an unmapped page.
        ObjectDisposedException.ThrowIf(_mapping.IsClosed, Pool);
        return new Span<byte>(_start, Stride);
    }

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)Stride, nameof(elementIndex));
        ObjectDisposedException.ThrowIf(_mapping.IsClosed, Pool);
        return new MemoryHandle(_start + elementIndex, default, this);
    }

    /// <inheritdoc/>
    public override void Unpin()
    {
        // Native memory does not move: nothing was pinned.
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // The pool's mapping owns the memory.
    }
}
