namespace Checkpointer.Repository;

/// <summary>Where one worker puts its chunks: an open pack at a time, begun with the first chunk and ended when it is full or at a drain.</summary>
internal sealed class PackWriter(IBackend backend, KeyRing keys, Func<PackTable> tables, WriterCounters counters, TimeProvider time, CancellationToken cancellationToken) : IDisposable
{
    /// <summary>Bytes handed to the store at once: stays in the second-level cache between sealing and copying out.</summary>
    internal const int BufferBytes = 512 << 10;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(MemoryBytes);
    private FrameUpload? _open;
    private PackTable? _table;
    private int _number;

    /// <summary>Bytes of memory that one pack writer holds.</summary>
    public static int MemoryBytes => FrameUpload.BufferSize(BufferBytes, FormatConstants.MaxChunk);

    /// <summary>Clock ticks spent in the store so far.</summary>
    public long StoreTicks { get; private set; }

    /// <summary>Seals one chunk; the entry says where it lies.</summary>
    public ChunkEntry Append(FrameCodec codec, int rawLength, ReadOnlySpan<byte> payload, UInt128 hash)
    {
        if (_open is not null && _open.Length + payload.Length + FormatConstants.FrameOverhead + FormatConstants.EndFrameSize > FormatConstants.PackTarget)
        {
            Commit();
        }

        if (_open is null)
        {
            ObjectId id = ObjectId.New();
            _table = tables();
            _number = _table.Add(id);
            _open = new FrameUpload(backend, keys, ObjectKind.Pack, id, _buffer, counters, cancellationToken);
        }

        int offset = (int)_open.Length;
        int frame = (int)_open.Frames;
        bool flushes = _open.WillFlush(payload.Length);
        long start = flushes ? time.GetTimestamp() : 0;
        int length = _open.Append(codec, rawLength, payload);
        if (flushes)
        {
            StoreTicks += time.GetTimestamp() - start;
        }

        return new ChunkEntry(EntryKind.Chunk, hash, _number, offset, frame, rawLength, length);
    }

    /// <summary>Ends the open pack, if any: then everything appended so far is durable.</summary>
    public void Commit()
    {
        if (_open is { } pack)
        {
            long start = time.GetTimestamp();
            _table!.SetLength(_number, pack.Commit());
            StoreTicks += time.GetTimestamp() - start;
            _open = null;
            pack.Dispose();
        }
    }

    public void Dispose()
    {
        _open?.Dispose();
        _open = null;
    }
}
