using System.Buffers.Binary;

namespace Checkpointer.Repository;

/// <summary>Called for each frame of a pack, in order; the frame is as stored.</summary>
internal delegate void PackFrameVisitor(int index, int offset, FrameHeader header, ReadOnlySpan<byte> frame);

/// <summary>Reads a whole pack from its header to its end frame.</summary>
internal static class PackFrames
{
    private const int ReadBytes = 1 << 20;

    /// <summary>Code repository-damaged where the frames do not add up to the pack; each frame is still to be opened by the visitor.</summary>
    public static async Task WalkAsync(IBackend backend, KeyRing keys, ObjectId id, long length, PackFrameVisitor visit, CancellationToken cancellationToken)
    {
        string name = ObjectNames.Pack(id);
        byte[] buffer = new byte[ReadBytes + FormatConstants.MaxFrame];
        byte[] head = new byte[FormatConstants.ObjectHeaderSize];
        await MapReader.ReadExactlyAsync(backend, name, 0, head, cancellationToken).ConfigureAwait(false);
        if (ObjectHeader.Read(head, ObjectKind.Pack, name) != id)
        {
            throw Damage.Of(name, "it has the id of another pack");
        }

        long end = length - FormatConstants.EndFrameSize;
        long offset = FormatConstants.ObjectHeaderSize;
        int index = 0;
        while (offset < end)
        {
            int filled = (int)Math.Min(buffer.Length, end - offset);
            await MapReader.ReadExactlyAsync(backend, name, offset, buffer.AsMemory(0, filled), cancellationToken).ConfigureAwait(false);
            int used = Visit(buffer.AsSpan(0, filled), ref index, offset, visit);
            offset += used > 0 ? used : throw Damage.Of(name, $"the frame at {offset} is malformed");
        }

        await PackEnd.CheckAsync(backend, keys, name, ObjectKind.Pack, id, length, index, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Visits the whole frames at the start of the bytes; answers how many bytes they have.</summary>
    private static int Visit(ReadOnlySpan<byte> bytes, ref int index, long offset, PackFrameVisitor visit)
    {
        int used = 0;
        while (FrameHeader.TryRead(bytes[used..], FormatConstants.MaxChunk, out FrameHeader header)
            && header.Codec != FrameCodec.End
            && header.FrameLength <= bytes.Length - used)
        {
            visit(index++, (int)(offset + used), header, bytes.Slice(used, header.FrameLength));
            used += header.FrameLength;
        }

        return used;
    }
}

/// <summary>The end frame of packs and maps.</summary>
internal static class PackEnd
{
    /// <param name="backend">The store.</param>
    /// <param name="keys">Opens it.</param>
    /// <param name="name">The object.</param>
    /// <param name="kind">Pack or map.</param>
    /// <param name="id">Its id.</param>
    /// <param name="length">Its length.</param>
    /// <param name="frames">How many frames were before it; null where they were not counted.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public static async Task CheckAsync(
        IBackend backend, KeyRing keys, string name, ObjectKind kind, ObjectId id, long length, long? frames, CancellationToken cancellationToken)
    {
        byte[] frame = new byte[FormatConstants.EndFrameSize];
        long offset = length - FormatConstants.EndFrameSize;
        await MapReader.ReadExactlyAsync(backend, name, offset, frame, cancellationToken).ConfigureAwait(false);
        byte[] end = new byte[FormatConstants.EndPayload];
        using FrameCipher cipher = keys.ForObject(kind, id);
        if (!FrameHeader.TryRead(frame, FormatConstants.EndPayload, out FrameHeader header)
            || header.Codec != FrameCodec.End
            || !cipher.TryOpen(FormatConstants.EndIndex, header, frame, end)
            || BinaryPrimitives.ReadInt64LittleEndian(end.AsSpan(8)) != offset
            || (frames is { } count && BinaryPrimitives.ReadInt64LittleEndian(end) != count))
        {
            throw Damage.Of(name, "its end frame is wrong");
        }
    }
}
