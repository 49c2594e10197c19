#if DEBUG
using System.Diagnostics;
#endif

namespace Checkpointer.Platform;

/// <summary>
/// One rented block of native memory: 128 KiB of headroom directly followed by 1 MiB of data. It has one owner at a
/// time, who disposes it (which returns it) or passes it on. Memory and spans taken from it must not be used afterwards.
/// </summary>
public sealed class Block : IDisposable
{
    private Slot? _slot;
    private int _length;
    private int _carry;

#if DEBUG
    private readonly StackTrace _rentedAt = new(fNeedFileInfo: false);
#endif

    internal Block(Slot slot)
    {
        _slot = slot;
    }

#if DEBUG
    /// <summary>Only a leak gets here: Dispose suppresses it.</summary>
    ~Block()
    {
        if (_slot is { Pool.IsDisposed: false })
        {
            BlockPool.ReportLeak(_rentedAt);
        }
    }
#endif

    /// <summary>The data part: <see cref="BlockPool.BlockSize"/> bytes, whatever the length is.</summary>
    public Memory<byte> Data => Place.Data;

    /// <summary>The data part as a span.</summary>
    public Span<byte> Span => Place.GetSpan()[BlockPool.Headroom..];

    /// <summary>Filled bytes of <see cref="Data"/>; 0 in a new block.</summary>
    public int Length
    {
        get => _length;
        set
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)value, (uint)BlockPool.BlockSize, nameof(value));
            _length = value;
        }
    }

    /// <summary>Filled bytes of the headroom, counted backwards from <see cref="Data"/>; 0 in a new block.</summary>
    public int Carry
    {
        get => _carry;
        set
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)value, (uint)BlockPool.Headroom, nameof(value));
            _carry = value;
        }
    }

    /// <summary>Carry and data together, contiguous: <see cref="Carry"/> + <see cref="Length"/> bytes.</summary>
    public ReadOnlySpan<byte> Filled => Place.GetSpan().Slice(BlockPool.Headroom - _carry, _carry + _length);

    /// <summary>The same as memory.</summary>
    public ReadOnlyMemory<byte> FilledMemory => Place.Memory.Slice(BlockPool.Headroom - _carry, _carry + _length);

    private Slot Place => _slot ?? throw new ObjectDisposedException(nameof(Block));

    /// <summary>The last <paramref name="count"/> bytes of the headroom, to be filled; set <see cref="Carry"/> besides.</summary>
    public Span<byte> CarrySpan(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)BlockPool.Headroom, nameof(count));
        return Place.GetSpan().Slice(BlockPool.Headroom - count, count);
    }

    /// <summary>Returns the block. Twice is a bug: an exception in DEBUG, without effect otherwise.</summary>
    public void Dispose()
    {
        Slot? slot = Interlocked.Exchange(ref _slot, null);
#if DEBUG
        if (slot is null)
        {
            throw new InvalidOperationException($"This block was returned already. It was rented at:\n{BlockPool.Describe(_rentedAt)}");
        }

#endif
        GC.SuppressFinalize(this);
        slot?.Pool.Return(slot);
    }
}
