using System.Buffers.Binary;
using System.Text;

namespace Checkpointer.Repository;

/// <summary>The index of a map as bytes (docs/format.md section 6).</summary>
internal static class MapIndexEncoding
{
    private const int PackSize = ObjectId.Size + 8;
    private const int SegmentSize = 8 + 4 + 4 + 8;
    private const int FileFixed = 1 + 2 + 8 + 4;
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static byte[] Write(IReadOnlyList<FileWriter> files, IReadOnlyList<(ObjectId Id, long Length)> packs)
    {
        long size = 8 + ((long)packs.Count * PackSize) + files.Sum(f => FileFixed + Utf8.GetByteCount(f.Name) + ((long)f.Map.Segments.Count * SegmentSize));
        if (size > FormatConstants.MaxIndex)
        {
            throw new RepositoryException(RepositoryCodes.LimitExceeded, $"the map's index would have {size} bytes, more than {FormatConstants.MaxIndex}");
        }

        byte[] index = new byte[size];
        Span<byte> at = index;
        BinaryPrimitives.WriteInt32LittleEndian(at, packs.Count);
        at = at[4..];
        foreach ((ObjectId id, long length) in packs)
        {
            id.Write(at);
            BinaryPrimitives.WriteInt64LittleEndian(at[ObjectId.Size..], length);
            at = at[PackSize..];
        }

        BinaryPrimitives.WriteInt32LittleEndian(at, files.Count);
        at = at[4..];
        foreach (FileWriter file in files.OrderBy(f => f.Name, StringComparer.Ordinal))
        {
            int name = Utf8.GetBytes(file.Name, at[3..]);
            at[0] = (byte)file.Kind;
            BinaryPrimitives.WriteUInt16LittleEndian(at[1..], (ushort)name);
            at = at[(3 + name)..];
            BinaryPrimitives.WriteInt64LittleEndian(at, file.Length);
            BinaryPrimitives.WriteInt32LittleEndian(at[8..], file.Map.Segments.Count);
            at = at[12..];
            foreach (MapSegment segment in file.Map.Segments)
            {
                BinaryPrimitives.WriteInt64LittleEndian(at, segment.Offset);
                BinaryPrimitives.WriteInt32LittleEndian(at[8..], segment.Frame);
                BinaryPrimitives.WriteInt32LittleEndian(at[12..], segment.Entries);
                BinaryPrimitives.WriteInt64LittleEndian(at[16..], segment.RawLength);
                at = at[SegmentSize..];
            }
        }

        return index;
    }

    /// <summary>Every count is checked against the bytes that are left before memory is taken for it.</summary>
    public static MapIndex Read(ReadOnlySpan<byte> index, long segmentsEnd, string name)
    {
        try
        {
            Cursor cursor = new(index);
            int packs = cursor.Count(FormatConstants.MaxPacks, PackSize);
            PackReference[] table = new PackReference[packs];
            for (int i = 0; i < packs; i++)
            {
                ObjectId id = ObjectId.Read(cursor.Take(ObjectId.Size));
                long length = cursor.Int64();
                Require(length is > FormatConstants.ObjectHeaderSize + FormatConstants.EndFrameSize and <= FormatConstants.MaxPackLength);
                table[i] = new PackReference(id, length);
            }

            int files = cursor.Count(FormatConstants.MaxFiles, FileFixed);
            MapIndexFile[] list = new MapIndexFile[files];
            string? previous = null;
            for (int i = 0; i < files; i++)
            {
                list[i] = ReadFile(ref cursor, segmentsEnd);
                Require(previous is null || string.CompareOrdinal(previous, list[i].File.Name) < 0);
                previous = list[i].File.Name;
            }

            Require(cursor.Left == 0);
            return new MapIndex(table, list);
        }
        catch (InvalidDataException e)
        {
            throw Damage.Of(name, "its index is malformed", e);
        }
    }

    private static MapIndexFile ReadFile(ref Cursor cursor, long segmentsEnd)
    {
        FileKind kind = (FileKind)cursor.Take(1)[0];
        Require(kind is FileKind.Pages or FileKind.Bytes);
        int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(cursor.Take(2));
        string name = Text(cursor.Take(nameLength));
        Require(FileNames.IsValid(name));
        long length = cursor.Int64();
        int count = cursor.Count(FormatConstants.MaxSegments, SegmentSize);
        MapSegment[] segments = new MapSegment[count];
        long covered = 0;
        for (int s = 0; s < count; s++)
        {
            MapSegment segment = new(cursor.Int64(), cursor.Int32(), cursor.Int32(), cursor.Int64());
            Require(segment.Offset >= FormatConstants.ObjectHeaderSize
                && segment.Frame >= 0
                && segment.Entries is > 0 and <= FormatConstants.MaxSegmentEntries
                && segment.Offset <= segmentsEnd - ((segment.Entries * FormatConstants.EntrySize) + FormatConstants.FrameOverhead)
                && segment.RawLength > 0
                && segment.RawLength <= length - covered);
            covered += segment.RawLength;
            segments[s] = segment;
        }

        Require(covered == length);
        return new MapIndexFile(new SnapshotFile(name, kind, length), segments);
    }

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new InvalidDataException("a name is not UTF-8", e);
        }
    }

    private static void Require(bool sound)
    {
        if (!sound)
        {
            throw new InvalidDataException("a field is out of bounds");
        }
    }

    private ref struct Cursor(ReadOnlySpan<byte> data)
    {
        private ReadOnlySpan<byte> _data = data;

        public readonly int Left => _data.Length;

        public ReadOnlySpan<byte> Take(int length)
        {
            Require(length <= _data.Length);
            ReadOnlySpan<byte> taken = _data[..length];
            _data = _data[length..];
            return taken;
        }

        public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

        public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

        public int Count(int max, int elementSize)
        {
            int count = Int32();
            Require(count >= 0 && count <= max && (long)count * elementSize <= _data.Length);
            return count;
        }
    }
}
