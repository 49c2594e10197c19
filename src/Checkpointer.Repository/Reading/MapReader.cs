using System.Buffers;
using System.Security.Cryptography;

namespace Checkpointer.Repository;

/// <summary>Reads the index and the segments of a map, bounded and authenticated.</summary>
internal static class MapReader
{
    public static async Task<MapIndex> ReadIndexAsync(IBackend backend, KeyRing keys, MapReference map, CancellationToken cancellationToken)
    {
        string name = ObjectNames.Map(map.Id);
        byte[] header = new byte[FormatConstants.ObjectHeaderSize];
        await ReadExactlyAsync(backend, name, 0, header, cancellationToken).ConfigureAwait(false);
        if (ObjectHeader.Read(header, ObjectKind.Map, name) != map.Id)
        {
            throw Damage.Of(name, "it has the id of another map");
        }

        byte[] index = new byte[map.IndexLength];
        byte[] frame = new byte[Math.Min(index.Length, FormatConstants.IndexFrame) + FormatConstants.FrameOverhead];
        using FrameCipher cipher = keys.ForObject(ObjectKind.Map, map.Id);
        long offset = map.IndexOffset;
        long number = map.IndexFrame;
        for (int at = 0; at < index.Length; at += FormatConstants.IndexFrame, number++)
        {
            int length = Math.Min(FormatConstants.IndexFrame, index.Length - at);
            Memory<byte> part = frame.AsMemory(0, length + FormatConstants.FrameOverhead);
            await ReadExactlyAsync(backend, name, offset, part, cancellationToken).ConfigureAwait(false);
            OpenFrame(cipher, number, part.Span, index.AsSpan(at, length), name);
            offset += part.Length;
        }

        if (Convert.ToHexStringLower(SHA256.HashData(index)) != map.IndexDigest)
        {
            throw Damage.Of(name, "its index is not the one that the manifest names");
        }

        return MapIndexEncoding.Read(index, map.IndexOffset, name);
    }

    /// <summary>The entries of one segment, each within the bounds of its pack, together covering exactly what the index says.</summary>
    public static async Task<ChunkEntry[]> ReadSegmentAsync(
        IBackend backend, KeyRing keys, ObjectId map, IReadOnlyList<PackReference> packs, MapSegment segment, CancellationToken cancellationToken)
    {
        string name = ObjectNames.Map(map);
        int length = segment.Entries * FormatConstants.EntrySize;
        byte[] buffer = ArrayPool<byte>.Shared.Rent((length * 2) + FormatConstants.FrameOverhead);
        try
        {
            Memory<byte> frame = buffer.AsMemory(0, length + FormatConstants.FrameOverhead);
            await ReadExactlyAsync(backend, name, segment.Offset, frame, cancellationToken).ConfigureAwait(false);
            ChunkEntry[] entries = new ChunkEntry[segment.Entries];
            using FrameCipher cipher = keys.ForObject(ObjectKind.Map, map);
            OpenSegment(cipher, packs, segment, frame.Span, buffer.AsSpan(frame.Length, length), entries, name);
            return entries;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Authenticates a segment's frame and parses its entries; <paramref name="plain"/> is scratch for the opened bytes.</summary>
    public static void OpenSegment(
        FrameCipher cipher,
        IReadOnlyList<PackReference> packs,
        MapSegment segment,
        ReadOnlySpan<byte> frame,
        Span<byte> plain,
        Span<ChunkEntry> entries,
        string name)
    {
        OpenFrame(cipher, segment.Frame, frame, plain, name);
        Parse(plain, packs, segment, entries, name);
    }

    /// <param name="backend">The store.</param>
    /// <param name="name">The object.</param>
    /// <param name="offset">Where in it.</param>
    /// <param name="destination">Filled whole.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <param name="isSealed">The caller authenticates the bytes, and reads them again where they are wrong.</param>
    public static async Task ReadExactlyAsync(
        IBackend backend, string name, long offset, Memory<byte> destination, CancellationToken cancellationToken, bool isSealed = false)
    {
        int read;
        try
        {
            read = isSealed
                ? await backend.ReadSealedAsync(name, offset, destination, cancellationToken).ConfigureAwait(false)
                : await backend.ReadAsync(name, offset, destination, cancellationToken).ConfigureAwait(false);
        }
        catch (RepositoryException e) when (e.Code == RepositoryCodes.ObjectMissing)
        {
            throw Damage.Missing(name, e);
        }

        if (read != destination.Length)
        {
            throw Damage.Of(name, "it is truncated");
        }
    }

    private static void OpenFrame(FrameCipher cipher, long number, ReadOnlySpan<byte> frame, Span<byte> plain, string name)
    {
        if (!FrameHeader.TryRead(frame, FormatConstants.IndexFrame, out FrameHeader header) || header.Codec != FrameCodec.Raw || header.RawLength != plain.Length)
        {
            throw Damage.Of(name, "a frame header is wrong");
        }

        if (!cipher.TryOpen(number, header, frame, plain))
        {
            throw Damage.Of(name, "a frame is not authentic");
        }
    }

    private static void Parse(ReadOnlySpan<byte> plain, IReadOnlyList<PackReference> packs, MapSegment segment, Span<ChunkEntry> entries, string name)
    {
        long covered = 0;
        for (int i = 0; i < entries.Length; i++)
        {
            if (!ChunkEntry.TryRead(plain[(i * FormatConstants.EntrySize)..], out ChunkEntry entry)
                || (entry.Kind == EntryKind.Chunk
                    && (entry.Pack >= packs.Count || (long)entry.Offset + entry.FrameLength > packs[entry.Pack].Length - FormatConstants.EndFrameSize)))
            {
                throw Damage.Of(name, "an entry is out of bounds");
            }

            covered += entry.RawLength;
            entries[i] = entry;
        }

        if (covered != segment.RawLength)
        {
            throw Damage.Of(name, "a segment does not cover what the index says");
        }
    }
}
