using System.Buffers;
using Checkpointer.Platform;

namespace Checkpointer.Repository;

/// <summary>
/// One file of a snapshot being written, by one thread at a time. After the writer's first failure every call throws that failure
/// (and <see cref="Append"/> still gives the block back).
/// </summary>
public sealed class FileWriter
{
    private readonly SnapshotWriter _writer;
    private readonly object _gate = new();
    private readonly Func<long> _nextSequence;
    private byte[]? _tail;
    private int _tailLength;
    private bool _previousIsMark;
    private long _sequence;
    private long _length;
    private bool _completed;

    internal FileWriter(SnapshotWriter writer, string name, FileKind kind, bool isEarly = false)
    {
        _writer = writer;
        IsEarly = isEarly;
        Name = name;
        Kind = kind;
        _nextSequence = () => _sequence++;
    }

    public string Name { get; }

    public FileKind Kind { get; }

    /// <summary>Bytes appended so far.</summary>
    public long Length => Interlocked.Read(ref _length);

    /// <summary>Its chunks are stored, but it is in no map: <see cref="SnapshotWriter.OpenEarly"/>.</summary>
    internal bool IsEarly { get; }

    /// <summary>Where the map collects this file's entries; used under the map's lock only.</summary>
    internal MapFile Map { get; } = new();

    internal bool IsCompleted
    {
        get
        {
            lock (_gate)
            {
                return _completed;
            }
        }
    }

    /// <summary>
    /// Takes ownership of a block with <see cref="Block.Carry"/> 0. Never waits for the store. Blocks should be full where more follows:
    /// what lies behind the last cut (under 128 KiB) is copied and carried into the next block.
    /// </summary>
    public void Append(Block block)
    {
        ArgumentNullException.ThrowIfNull(block);
        Block? owned = block;
        try
        {
            lock (_gate)
            {
                ThrowIfUnusable();
                int length = block.Length;
                if (length == 0)
                {
                    return;
                }

                if (_tailLength > 0)
                {
                    _tail.AsSpan(0, _tailLength).CopyTo(block.CarrySpan(_tailLength));
                    block.Carry = _tailLength;
                    _tailLength = 0;
                }

                bool previousIsMark = _previousIsMark;
                ReadOnlySpan<byte> data = block.Filled;
                int cut = BlockCutter.LastCut(data, ref _previousIsMark);
                KeepTail(data[cut..]);
                Count(length);
                if (cut > 0)
                {
                    owned = null;
                    _writer.Queue.Enqueue(new BlockItem(this, _sequence++, block, cut, previousIsMark));
                }
            }
        }
        finally
        {
            owned?.Dispose();
        }
    }

    /// <summary>
    /// Copies the bytes; for small files: many of them share buffers, and every call may end a chunk. May wait for a worker when many small bytes are queued.
    /// </summary>
    public void Write(ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            ThrowIfUnusable();
            FlushTail();
            _writer.Small.Write(this, data, _nextSequence);
            Count(data.Length);
        }
    }

    /// <summary>
    /// For items that are made elsewhere and enqueued in any order: the place of the next <paramref name="rawLength"/> bytes. The item must come, or the writer must die.
    /// </summary>
    internal long Reserve(int rawLength)
    {
        lock (_gate)
        {
            ThrowIfUnusable();
            FlushTail();
            Count(rawLength);
            return _sequence++;
        }
    }

    /// <summary>No more bytes follow. Every file must be completed before the commit. Calling it again does nothing.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            if (_completed)
            {
                return;
            }

            ThrowIfUnusable();
            FlushTail();
            _completed = true;
        }
    }

    /// <summary>For a drain: also the carried tail goes to the workers, as a chunk that ends here.</summary>
    internal void Flush()
    {
        lock (_gate)
        {
            if (!_completed)
            {
                FlushTail();
            }
        }
    }

    /// <summary>Gives back what a file that was never completed holds.</summary>
    internal void Abandon()
    {
        lock (_gate)
        {
            _completed = true;
            if (_tail is { } tail)
            {
                _tail = null;
                _tailLength = 0;
                ArrayPool<byte>.Shared.Return(tail);
            }
        }
    }

    private void Count(int bytes)
    {
        Interlocked.Add(ref _length, bytes);
        if (IsEarly)
        {
            _writer.Counters.Advance();
        }
        else
        {
            _writer.Counters.Captured(bytes);
        }
    }

    private void ThrowIfUnusable()
    {
        _writer.ThrowIfFailed();
        if (_completed)
        {
            throw new InvalidOperationException($"the file '{Name}' was completed");
        }
    }

    private void KeepTail(ReadOnlySpan<byte> rest)
    {
        if (rest.Length == 0)
        {
            return;
        }

        if (_tail is null || _tail.Length < rest.Length)
        {
            byte[]? small = _tail;
            _tail = ArrayPool<byte>.Shared.Rent(rest.Length);
            if (small is not null)
            {
                ArrayPool<byte>.Shared.Return(small);
            }
        }

        rest.CopyTo(_tail);
        _tailLength = rest.Length;
    }

    private void FlushTail()
    {
        if (_tail is { } tail)
        {
            int length = _tailLength;
            _tail = null;
            _tailLength = 0;
            if (length == 0)
            {
                ArrayPool<byte>.Shared.Return(tail);
                return;
            }

            _writer.Queue.Enqueue(new TailItem(this, _sequence++, tail, length, _previousIsMark));
            _previousIsMark = false;
        }
    }
}
