namespace Checkpointer.Repository;

/// <summary>A piece of a file in a <see cref="SmallBuffer"/>.</summary>
internal struct SmallPiece
{
    public FileWriter File;
    public long Sequence;
    public int Offset;
    public int Length;
}

/// <summary>A buffer that small writes of many files share.</summary>
internal sealed class SmallBuffer
{
    public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(SmallWrites.BufferSize);

    public List<SmallPiece> Pieces { get; } = [];

    public int Filled { get; set; }
}

/// <summary>
/// Collects the writes of small files, so that two thousand open files of a few hundred bytes do not hold two thousand blocks. Memory of its own, never the pool's:
/// the thread that reads pipes may wait here while it holds every block, and workers always give these buffers back.
/// </summary>
internal sealed class SmallWrites(WorkQueue queue, Func<CheckpointerException?> failure)
{
    /// <summary>Bytes: a few chunks, so that a worker has something to do and the map's segments stay few.</summary>
    public const int BufferSize = 256 << 10;

    /// <summary>Buffers: one being filled, the others with the workers.</summary>
    public const int Buffers = 4;

    private readonly object _gate = new();
    private readonly Stack<SmallBuffer> _free = new();
    private int _made;
    private SmallBuffer? _current;

    /// <summary>Copies the bytes; <paramref name="nextSequence"/> is called under the caller's lock once for each piece that is begun.</summary>
    public void Write(FileWriter file, ReadOnlySpan<byte> data, Func<long> nextSequence)
    {
        lock (_gate)
        {
            while (data.Length > 0)
            {
                _current ??= RentLocked();
                int room = BufferSize - _current.Filled;
                int length = Math.Min(room, data.Length);
                data[..length].CopyTo(_current.Bytes.AsSpan(_current.Filled));
                AddPiece(_current, file, length, nextSequence);
                data = data[length..];
                if (_current.Filled == BufferSize)
                {
                    FlushLocked();
                }
            }
        }
    }

    /// <summary>Hands what was collected to the workers.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            FlushLocked();
        }
    }

    public void Return(SmallBuffer buffer)
    {
        buffer.Filled = 0;
        buffer.Pieces.Clear();
        lock (_free)
        {
            _free.Push(buffer);
            Monitor.Pulse(_free);
        }
    }

    /// <summary>Lets waiting writers see that the writer failed.</summary>
    public void Wake()
    {
        lock (_free)
        {
            Monitor.PulseAll(_free);
        }
    }

    private static void AddPiece(SmallBuffer buffer, FileWriter file, int length, Func<long> nextSequence)
    {
        int offset = buffer.Filled;
        buffer.Filled += length;
        if (buffer.Pieces.Count > 0)
        {
            SmallPiece last = buffer.Pieces[^1];
            if (last.File == file)
            {
                last.Length += length;
                buffer.Pieces[^1] = last;
                return;
            }
        }

        buffer.Pieces.Add(new SmallPiece { File = file, Sequence = nextSequence(), Offset = offset, Length = length });
    }

    private void FlushLocked()
    {
        if (_current is { Filled: > 0 } full)
        {
            _current = null;
            queue.Enqueue(new SmallItem(full, this));
        }
    }

    private SmallBuffer RentLocked()
    {
        lock (_free)
        {
            if (_free.TryPop(out SmallBuffer? buffer))
            {
                return buffer;
            }

            if (_made < Buffers)
            {
                _made++;
                return new SmallBuffer();
            }
        }

        queue.SmallWait(true);
        try
        {
            lock (_free)
            {
                while (true)
                {
                    if (failure() is { } error)
                    {
                        throw error;
                    }

                    if (_free.TryPop(out SmallBuffer? buffer))
                    {
                        return buffer;
                    }

                    Monitor.Wait(_free);
                }
            }
        }
        finally
        {
            queue.SmallWait(false);
        }
    }
}
