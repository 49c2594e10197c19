using System.Buffers.Binary;

namespace Checkpointer.Repository;

/// <summary>
/// An object of frames (pack or map) being written: seals straight into a buffer, which goes to the store when it is full.
/// One thread at a time. The buffer belongs to the caller and is reused from object to object.
/// </summary>
internal sealed class FrameUpload : IDisposable
{
    private readonly IObjectUpload _upload;
    private readonly FrameCipher _cipher;
    private readonly byte[] _buffer;
    private readonly WriterCounters _counters;
    private int _filled;
    private long _flushed;

    public FrameUpload(IBackend backend, KeyRing keys, ObjectKind kind, ObjectId id, byte[] buffer, WriterCounters counters, CancellationToken cancellationToken)
    {
        Name = kind == ObjectKind.Pack ? ObjectNames.Pack(id) : ObjectNames.Map(id);
        Id = id;
        _buffer = buffer;
        _counters = counters;
        _cipher = keys.ForObject(kind, id);
        try
        {
            _upload = backend.BeginPut(Name, cancellationToken);
        }
        catch (Exception)
        {
            _cipher.Dispose();
            throw;
        }

        ObjectHeader.Write(buffer, kind, id);
        _filled = FormatConstants.ObjectHeaderSize;
    }

    public string Name { get; }

    public ObjectId Id { get; }

    /// <summary>Frames so far; the index of the next.</summary>
    public long Frames { get; private set; }

    /// <summary>Bytes so far: the offset of the next frame.</summary>
    public long Length => _flushed + _filled;

    /// <summary>Bytes of a buffer that holds <paramref name="wanted"/> bytes and always one more frame.</summary>
    public static int BufferSize(int wanted, int maxRaw) => wanted + maxRaw + FormatConstants.FrameOverhead;

    /// <summary>True when a frame of that payload makes the buffer go to the store first.</summary>
    public bool WillFlush(int payloadLength) => _buffer.Length - _filled < payloadLength + FormatConstants.FrameOverhead;

    /// <summary>Seals a frame at the end; returns its length.</summary>
    public int Append(FrameCodec codec, int rawLength, ReadOnlySpan<byte> payload)
    {
        FrameHeader header = new(codec, rawLength, payload.Length);
        if (WillFlush(payload.Length))
        {
            Flush();
        }

        _cipher.Seal(codec == FrameCodec.End ? FormatConstants.EndIndex : Frames, header, payload, _buffer.AsSpan(_filled, header.FrameLength));
        Frames++;
        _filled += header.FrameLength;
        return header.FrameLength;
    }

    /// <summary>Adds the end frame and makes the object durable. Returns its length.</summary>
    public long Commit()
    {
        Span<byte> end = stackalloc byte[FormatConstants.EndPayload];
        BinaryPrimitives.WriteInt64LittleEndian(end, Frames);
        BinaryPrimitives.WriteInt64LittleEndian(end[8..], Length);
        Append(FrameCodec.End, FormatConstants.EndPayload, end);
        Flush();
        if (!_upload.Commit())
        {
            throw new RepositoryException(RepositoryCodes.StoreFailed, $"{Name} exists already, although its name is new and random: the store does not do what it says")
            { ObjectName = Name };
        }

        _counters.Advance();
        return _flushed;
    }

    public void Dispose()
    {
        _upload.Dispose();
        _cipher.Dispose();
    }

    private void Flush()
    {
        if (_filled > 0)
        {
            _upload.Append(_buffer.AsSpan(0, _filled));
            _counters.Stored(_filled);
            _flushed += _filled;
            _filled = 0;
        }
    }
}
