using System.Buffers.Binary;

namespace Checkpointer.Engine.Compatibility;

/// <summary>Reads the build-id of an ELF file. Files are not trusted: every number is bounded before it is used.</summary>
public static class ElfBuildId
{
    private const int LongestNotes = 64 << 10;   // bytes of one note segment that are looked at
    private const int MostSegments = 256;
    private const int LongestBuildId = 64;       // bytes; usual are 16 and 20
    private const int BuildIdNote = 3;           // NT_GNU_BUILD_ID
    private const int NoteSegment = 4;           // PT_NOTE
    private const int HeaderBytes = 64;
    private const int NoteHeaderBytes = 12;

    /// <summary>The build-id in hexadecimal, or null when the file is no ELF file, has none, or cannot be read.</summary>
    public static string? Read(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            return Read(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null; // a library that cannot be read has no build-id to compare; its size still is
        }
    }

    internal static string? Read(Stream file)
    {
        byte[] header = new byte[HeaderBytes];
        int length = file.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false);
        if (length < 52 || !header.AsSpan(0, 4).SequenceEqual("\u007fELF"u8) || header[5] != 1 || header[4] is not (1 or 2))
        {
            return null;
        }

        bool wide = header[4] == 2;
        long tableOffset = wide ? (long)BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(32)) : BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(28));
        int entrySize = BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(wide ? 54 : 42));
        int entries = Math.Min((int)BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(wide ? 56 : 44)), MostSegments);
        if (entrySize < (wide ? 56 : 32) || tableOffset < 0 || ReadPart(file, tableOffset, entrySize * entries) is not { } table)
        {
            return null;
        }

        for (int i = 0; i < entries; i++)
        {
            ReadOnlySpan<byte> entry = table.AsSpan(i * entrySize, entrySize);
            if (BinaryPrimitives.ReadUInt32LittleEndian(entry) == NoteSegment && Notes(file, entry, wide) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    private static string? Notes(Stream file, ReadOnlySpan<byte> segment, bool wide)
    {
        long offset = wide ? (long)BinaryPrimitives.ReadUInt64LittleEndian(segment[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(segment[4..]);
        ulong size = wide ? BinaryPrimitives.ReadUInt64LittleEndian(segment[32..]) : BinaryPrimitives.ReadUInt32LittleEndian(segment[16..]);
        if (offset < 0 || size > LongestNotes || ReadPart(file, offset, (int)size) is not { } bytes)
        {
            return null;
        }

        ReadOnlySpan<byte> rest = bytes;
        while (rest.Length >= NoteHeaderBytes)
        {
            uint nameLength = BinaryPrimitives.ReadUInt32LittleEndian(rest);
            uint idLength = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(rest[8..]);
            long idStart = NoteHeaderBytes + Align(nameLength);
            long end = idStart + Align(idLength);
            if (idStart + idLength > rest.Length)
            {
                return null;
            }

            if (type == BuildIdNote && nameLength == 4 && rest.Slice(NoteHeaderBytes, 4).SequenceEqual("GNU\0"u8))
            {
                return idLength <= LongestBuildId ? Convert.ToHexStringLower(rest.Slice((int)idStart, (int)idLength)) : null;
            }

            rest = end >= rest.Length ? [] : rest[(int)end..];
        }

        return null;
    }

    private static byte[]? ReadPart(Stream file, long offset, int length)
    {
        if (length <= 0 || offset > file.Length - length)
        {
            return null;
        }

        byte[] bytes = new byte[length];
        file.Position = offset;
        return file.ReadAtLeast(bytes, length, throwOnEndOfStream: false) == length ? bytes : null;
    }

    private static long Align(uint length)
    {
        return ((long)length + 3) & ~3L;
    }
}
