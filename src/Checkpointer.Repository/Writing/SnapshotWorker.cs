using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Checkpointer.Repository;

/// <summary>
/// One dedicated thread: takes blocks, cuts, hashes, compresses, seals and writes them into its own pack. Nothing hops to the thread pool, nothing is allocated per chunk.
/// </summary>
internal sealed class SnapshotWorker : IDisposable
{
    /// <summary>Entries kept between blocks: a block of single pages between zeroes.</summary>
    private const int ExpectedEntries = 512;

    private readonly SnapshotWriter _writer;
    private readonly int _number;
    private readonly PackWriter _pack;
    private readonly ChunkEncoder _encoder;
    private readonly TimeProvider _time;
    private readonly CompressionChoice _choice;
    private readonly List<ChunkEntry> _entries = new(ExpectedEntries);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _seed;

    public SnapshotWorker(SnapshotWriter writer, int number, PackWriter pack, CompressionChoice choice, long seed, TimeProvider time)
    {
        _encoder = new ChunkEncoder(time);
        _time = time;
        _writer = writer;
        _number = number;
        _pack = pack;
        _choice = choice;
        _seed = seed;
    }

    /// <summary>Completes when the thread is gone.</summary>
    public Task Ended => _ended.Task;

    public static long MemoryBytes => PackWriter.MemoryBytes + ChunkEncoder.MemoryBytes + (ExpectedEntries * 48L) + StackBytes;

    /// <summary>Bytes of a worker's stack that may become resident.</summary>
    private const int StackBytes = 256 << 10;

    public void Start() => new Thread(Run, StackBytes) { IsBackground = true, Name = $"snapshot-{_number}" }.Start();

    public void Dispose() => _pack.Dispose();

    private void Run()
    {
        try
        {
            Loop();
        }
        catch (Exception e)
        {
            // The first failure kills the writer; the callers hear of it through every call and SnapshotWriter.Failure.
            _writer.Fail(e);
        }
        finally
        {
            _pack.Dispose();
            _ended.SetResult();
        }
    }

    private void Loop()
    {
        while (true)
        {
            switch (_writer.Queue.Take(_number, out WorkItem? item, out long drain))
            {
                case WorkKind.Item:
                    using (item)
                    {
                        Process(item!);
                    }

                    break;
                case WorkKind.Drain:
                    _pack.Commit();
                    _writer.Queue.Drained(_number, drain);
                    break;
                default:
                    return;
            }
        }
    }

    private void Process(WorkItem item)
    {
        BlockTotals totals = default;
        switch (item)
        {
            case BlockItem block:
                Process(block.File, block.Sequence, block.Data, block.PreviousIsMark, ref totals);
                break;
            case TailItem tail:
                Process(tail.File, tail.Sequence, tail.Data, tail.PreviousIsMark, ref totals);
                break;
            case SmallItem small:
                foreach (ref readonly SmallPiece piece in CollectionsMarshal.AsSpan(small.Buffer.Pieces))
                {
                    Process(piece.File, piece.Sequence, small.Buffer.Bytes.AsSpan(piece.Offset, piece.Length), previousIsMark: false, ref totals);
                }

                break;
            case ChunkItem copied:
                Process(copied, ref totals);
                break;
            default:
                throw new InvalidOperationException($"unknown work item {item.GetType().Name}");
        }

        _writer.Counters.Processed(totals);
    }

    /// <summary>Chunks of another repository: cuts and compression stay as they are, hash and seal are made anew.</summary>
    private void Process(ChunkItem item, ref BlockTotals totals)
    {
        _entries.Clear();
        foreach (CopiedPiece piece in item.Pieces)
        {
            if (piece.IsZero)
            {
                totals.Zero += piece.RawLength;
                _entries.Add(ChunkEntry.Zero(piece.RawLength));
                continue;
            }

            ReadOnlySpan<byte> payload = item.Payload(piece);
            ReadOnlySpan<byte> raw = piece.Codec == FrameCodec.Lz4 ? _encoder.Decode(payload, piece.RawLength) : payload;
            if (raw.Length != piece.RawLength || XxHash128.HashToUInt128(raw, item.SourceSeed) != piece.SourceHash)
            {
                throw Damage.Of(item.Source, "a chunk is not the one that the map names");
            }

            UInt128 hash = XxHash128.HashToUInt128(raw, _seed);
            if (TryFind(hash, piece.RawLength, ref totals, out ChunkEntry found))
            {
                _entries.Add(found);
                continue;
            }

            _entries.Add(_pack.Append(piece.Codec, piece.RawLength, payload, hash));
        }

        _writer.Map.Add(item.File, item.Sequence, CollectionsMarshal.AsSpan(_entries));
    }

    private void Process(FileWriter file, long sequence, ReadOnlySpan<byte> data, bool previousIsMark, ref BlockTotals totals)
    {
        bool compress = _choice.Compress(_writer.Hurry);
        long start = _time.GetTimestamp();
        long storeStart = _pack.StoreTicks;
        long encodeStart = _encoder.Ticks;
        _entries.Clear();
        Chunker chunker = new(previousIsMark);
        while (chunker.Next(data, out Piece piece))
        {
            if (piece.IsZero)
            {
                totals.Zero += piece.Length;
                _entries.Add(ChunkEntry.Zero(piece.Length));
                continue;
            }

            ReadOnlySpan<byte> chunk = data.Slice(piece.Offset, piece.Length);
            UInt128 hash = XxHash128.HashToUInt128(chunk, _seed);
            if (file.IsEarly)
            {
                if (_writer.Early!.IsFull || IsKnown(hash, chunk.Length))
                {
                    continue;
                }
            }
            else if (TryFind(hash, chunk.Length, ref totals, out ChunkEntry found))
            {
                _entries.Add(found);
                continue;
            }

            FrameCodec codec = FrameCodec.Raw;
            ReadOnlySpan<byte> payload = chunk;
            if (compress)
            {
                payload = _encoder.Encode(chunk, out codec, ref totals);
            }
            else
            {
                totals.RawStarved += chunk.Length;
            }

            _entries.Add(_pack.Append(codec, chunk.Length, payload, hash));
        }

        _choice.Done(data.Length, _time.GetTimestamp() - start, _pack.StoreTicks - storeStart, _encoder.Ticks - encodeStart);
        if (file.IsEarly)
        {
            // Counted when it is met again.
            totals.Zero = 0;
            _writer.Early!.Add(_entries);
            return;
        }

        _writer.Map.Add(file, sequence, CollectionsMarshal.AsSpan(_entries));
    }

    /// <summary>Whether it need not be stored early: the parent has it, or it was.</summary>
    private bool IsKnown(UInt128 hash, int rawLength) =>
        (_writer.Parent.Search is { } parent && parent.Knows(hash, rawLength)) || _writer.Early!.Knows(hash, rawLength);

    /// <summary>An equal chunk of the parent, or one that was stored early.</summary>
    private bool TryFind(UInt128 hash, int rawLength, ref BlockTotals totals, out ChunkEntry entry)
    {
        if (_writer.Parent.Search is { } parent && parent.TryFind(hash, rawLength, out entry))
        {
            totals.Reused += rawLength;
            return true;
        }

        if (_writer.Early is { } early)
        {
            return early.TryFind(hash, rawLength, out entry);
        }

        entry = default;
        return false;
    }
}
