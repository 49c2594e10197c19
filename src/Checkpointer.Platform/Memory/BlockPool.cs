namespace Checkpointer.Platform;

/// <summary>
/// A fixed number of 1 MiB blocks in native memory, all mapped at once: the memory budget of an operation. Renting is
/// constant-time and thread-safe; who finds none free waits in order of arrival. Disposing the pool makes waiters fail
/// with <see cref="ObjectDisposedException"/>; its memory goes when the last rented block is back.
/// </summary>
public sealed partial class BlockPool : IDisposable
{
    /// <summary>Bytes of data in a block: large enough that a hand-off costs little, and it fits the L2 cache.</summary>
    public const int BlockSize = 1 << 20;

    /// <summary>Bytes directly before the data, for a tail carried over from the block before: the largest chunk.</summary>
    public const int Headroom = 128 << 10;

    private const int MinimumBlocks = 2; // one being filled while the other is being emptied

    private readonly Lock _gate = new();
    private readonly MemoryMapping _mapping;
    private readonly Stack<Slot> _free; // last in, first out: the warmest memory first
    private readonly LinkedList<Waiter> _waiters = new(); // not empty only while _free is empty
    private bool _disposed;

    /// <summary>Maps as many blocks with headroom as <paramref name="bytes"/> hold; fewer than two is out of range.</summary>
    public BlockPool(long bytes)
    {
        long count = bytes / Slot.Stride;
        ArgumentOutOfRangeException.ThrowIfLessThan(count, MinimumBlocks, nameof(bytes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, int.MaxValue, nameof(bytes));
        Count = (int)count;
        _mapping = new MemoryMapping(count * Slot.Stride);
        _free = new Stack<Slot>(Count);
        for (int i = Count - 1; i >= 0; i--)
        {
            _free.Push(new Slot(this, _mapping, i));
        }
    }

    /// <summary>All blocks.</summary>
    public int Count { get; }

    /// <summary>Blocks that nobody holds; a snapshot of the moment.</summary>
    public int Free
    {
        get
        {
            lock (_gate)
            {
                return _free.Count;
            }
        }
    }

    /// <summary>Blocks that are rented; a snapshot of the moment.</summary>
    public int Outstanding => Count - Free;

    internal bool IsDisposed
    {
        get
        {
            lock (_gate)
            {
                return _disposed;
            }
        }
    }

    /// <summary>A block, with length and carry 0; blocks the calling (dedicated) thread until one is free.</summary>
    public Block Rent(CancellationToken cancellationToken) =>
        TryRent(out Block block) ? block : RentAsync(cancellationToken).AsTask().GetAwaiter().GetResult();

    /// <summary>A block if one is free now.</summary>
    public bool TryRent(out Block block)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            bool found = _free.TryPop(out Slot? slot);
            block = found ? new Block(slot!) : null!;
            return found;
        }
    }

    /// <summary>A block if one becomes free in time.</summary>
    public bool TryRent(TimeSpan timeout, CancellationToken cancellationToken, out Block block)
    {
        if (TryRent(out block))
        {
            return true;
        }

        using CancellationTokenSource late = new(timeout, TimeProvider.System);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            block = Rent(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>A block as soon as one is free.</summary>
    public ValueTask<Block> RentAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<Block>(cancellationToken);
        }

        Waiter waiter;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_free.TryPop(out Slot? slot))
            {
                return ValueTask.FromResult(new Block(slot));
            }

            waiter = new Waiter(this);
            waiter.Node = _waiters.AddLast(waiter);
        }

        return new ValueTask<Block>(waiter.WaitAsync(cancellationToken));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Waiter[] waiters;
        bool unmap;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            unmap = _free.Count == Count;
            waiters = [.. _waiters];
            foreach (Waiter waiter in waiters)
            {
                _waiters.Remove(waiter.Node!);
                waiter.Node = null;
            }
        }

        foreach (Waiter waiter in waiters)
        {
            waiter.Fail(new ObjectDisposedException(nameof(BlockPool)));
        }

        if (unmap)
        {
            _mapping.Dispose();
        }
    }

    internal void Return(Slot slot)
    {
        Waiter? first = null;
        bool unmap = false;
        lock (_gate)
        {
            if (_waiters.First is { } node)
            {
                first = node.Value;
                _waiters.Remove(node);
                first.Node = null;
            }
            else
            {
                _free.Push(slot);
                unmap = _disposed && _free.Count == Count;
            }
        }

        first?.Succeed(new Block(slot));
        if (unmap)
        {
            _mapping.Dispose();
        }
    }
}
