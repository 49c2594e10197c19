using System.Buffers.Binary;

namespace Checkpointer.Repository;

/// <summary>One entry of a map: a stored chunk, or a run of zeroes (then only <see cref="RawLength"/> counts).</summary>
internal readonly record struct ChunkEntry(EntryKind Kind, UInt128 Hash, int Pack, int Offset, int Frame, int RawLength, int FrameLength)
{
    public static ChunkEntry Zero(int rawLength) => new(EntryKind.Zero, default, 0, 0, 0, rawLength, 0);

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt128LittleEndian(destination, Hash);
        BinaryPrimitives.WriteInt32LittleEndian(destination[16..], Pack);
        BinaryPrimitives.WriteInt32LittleEndian(destination[20..], Offset);
        BinaryPrimitives.WriteInt32LittleEndian(destination[24..], Frame);
        BinaryPrimitives.WriteInt32LittleEndian(destination[28..], RawLength);
        BinaryPrimitives.WriteInt32LittleEndian(destination[32..], FrameLength | ((int)Kind << 24));
    }

    /// <summary>False for anything that breaks the rules of the format.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out ChunkEntry entry)
    {
        uint last = BinaryPrimitives.ReadUInt32LittleEndian(source[32..]);
        entry = new ChunkEntry(
            (EntryKind)(last >> 24),
            BinaryPrimitives.ReadUInt128LittleEndian(source),
            BinaryPrimitives.ReadInt32LittleEndian(source[16..]),
            BinaryPrimitives.ReadInt32LittleEndian(source[20..]),
            BinaryPrimitives.ReadInt32LittleEndian(source[24..]),
            BinaryPrimitives.ReadInt32LittleEndian(source[28..]),
            (int)(last & 0xFFFFFF));
        return entry.Kind switch
        {
            EntryKind.Zero => entry is { Pack: 0, Offset: 0, Frame: 0, FrameLength: 0, RawLength: > 0 and <= FormatConstants.MaxZeroRun } && entry.Hash == default,
            EntryKind.Chunk => entry is { Pack: >= 0, Offset: >= FormatConstants.ObjectHeaderSize, Frame: >= 0, RawLength: > 0 and <= FormatConstants.MaxChunk }
                && entry.FrameLength is > FormatConstants.FrameOverhead
                && entry.FrameLength <= entry.RawLength + FormatConstants.FrameOverhead,
            _ => false,
        };
    }
}
