using System.Buffers;

namespace Checkpointer.Repository;

/// <summary>
/// The memory of the reads that are on their way: a few buffers of its own, and those that a caller lends out of his budget. Whoever asks first gets the next one. Thread-safe.
/// </summary>
/// <param name="window">Limits how many are out at once, however many there are.</param>
internal sealed class ReadBuffers(ReadWindow window)
{
    /// <summary>Bytes of a buffer.</summary>
    internal const int Size = RunDecoder.ReadBytes;

    /// <summary>Buffers beyond what is lent.</summary>
    internal const int Own = ReadWindow.LeastReads;

    private readonly Lock _gate = new();
    private readonly Stack<Memory<byte>> _lent = new();
    private readonly LinkedList<TaskCompletionSource<ReadBuffer>> _waiting = new();
    private int _lentOut;
    private int _ownOut;
    private TaskCompletionSource? _back;

    /// <summary>Buffers of at least <see cref="Size"/> bytes each, until <see cref="TakeBackAsync"/>.</summary>
    public void Lend(IEnumerable<Memory<byte>> buffers)
    {
        lock (_gate)
        {
            foreach (Memory<byte> buffer in buffers)
            {
                _lent.Push(buffer);
            }

            Serve();
        }
    }

    /// <summary>Ends when no lent buffer is in use any more; from now on none is given out.</summary>
    public Task TakeBackAsync()
    {
        lock (_gate)
        {
            _lent.Clear();
            _back = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_lentOut == 0)
            {
                _back.SetResult();
            }

            return _back.Task;
        }
    }

    public async ValueTask<ReadBuffer> RentAsync(CancellationToken cancellationToken)
    {
        TaskCompletionSource<ReadBuffer> waiter = new(TaskCreationOptions.RunContinuationsAsynchronously);
        LinkedListNode<TaskCompletionSource<ReadBuffer>> node;
        lock (_gate)
        {
            node = _waiting.AddLast(waiter);
            Serve();
        }

        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            (_, token) =>
            {
                lock (_gate)
                {
                    if (node.List is not null)
                    {
                        _waiting.Remove(node);
                        waiter.SetCanceled(token);
                    }
                }
            },
            null);
        return await waiter.Task.ConfigureAwait(false);
    }

    private void Return(Memory<byte> memory, byte[]? own)
    {
        if (own is not null)
        {
            ArrayPool<byte>.Shared.Return(own);
        }

        lock (_gate)
        {
            if (own is not null)
            {
                _ownOut--;
            }
            else
            {
                _lentOut--;
                if (_back is null)
                {
                    _lent.Push(memory);
                }
                else if (_lentOut == 0)
                {
                    _back.SetResult();
                }
            }

            Serve();
        }
    }

    private void Serve()
    {
        while (_waiting.First is { } first && _lentOut + _ownOut < window.Reads && (_lent.Count > 0 || _ownOut < Own))
        {
            _waiting.RemoveFirst();
            if (_lent.TryPop(out Memory<byte> memory))
            {
                _lentOut++;
                first.Value.SetResult(new ReadBuffer(this, memory, null));
            }
            else
            {
                _ownOut++;
                byte[] own = ArrayPool<byte>.Shared.Rent(Size);
                first.Value.SetResult(new ReadBuffer(this, own, own));
            }
        }
    }

    /// <summary>The memory of one read; its disposal gives it back.</summary>
    internal sealed class ReadBuffer(ReadBuffers owner, Memory<byte> memory, byte[]? own) : IDisposable
    {
        public Memory<byte> Memory => memory;

        public void Dispose() => owner.Return(memory, own);
    }
}
