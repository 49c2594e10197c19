using Checkpointer.Platform;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>One entry out of bytes. Everything is bounded before it is kept; what an entry means beside others is the reader's affair.</summary>
internal static class EntryParser
{
    private const int MaxMode = 0xfff;
    private const uint MaxNanoseconds = 999_999_999;

    /// <summary>Reads an entry; the cursor says whether it was all there and right.</summary>
    /// <param name="cursor">At the entry's first byte.</param>
    /// <param name="entry">Gets what was read.</param>
    /// <param name="isRoot">The root is a directory without a name.</param>
    public static void Read(ref EntryCursor cursor, FileTreeEntry entry, bool isRoot)
    {
        int first = cursor.Byte();
        entry.Type = (FileTreeEntryType)(first & FileTreeFormat.TypeMask);
        entry.IsLinked = (first & FileTreeFormat.IsLinked) != 0;
        entry.IsOpaque = (first & FileTreeFormat.IsOpaque) != 0;
        entry.ContentLength = 0;
        entry.Extents.Clear();
        entry.Attributes.Clear();
        if ((first & ~FileTreeFormat.TypeMask & ~Flags(entry.Type)) != 0 || entry.Type > FileTreeEntryType.MountedFile || (isRoot && entry.Type != FileTreeEntryType.Directory))
        {
            cursor.Fail("an entry of an unknown kind");
        }

        if (entry.Type == FileTreeEntryType.End)
        {
            return;
        }

        entry.Name = isRoot ? default : cursor.Text(1, FileTreeLimits.MaxName, "the length of a name");
        if (!isRoot && cursor.IsGood && !IsName(entry.Name.Span))
        {
            cursor.Fail("a name that is none");
        }

        if (entry.Type == FileTreeEntryType.HardLink)
        {
            entry.Group = (int)cursor.Number(FileTreeLimits.MaxEntries, "the number of a link");
        }
        else if (entry.Type < FileTreeEntryType.HardLink)
        {
            Status(ref cursor, entry, (first & FileTreeFormat.HasAttributes) != 0);
            Rest(ref cursor, entry, (first & FileTreeFormat.HasExtents) != 0);
        }
    }

    private static int Flags(FileTreeEntryType type) => type switch
    {
        FileTreeEntryType.Directory => FileTreeFormat.HasAttributes | FileTreeFormat.IsOpaque,
        FileTreeEntryType.Regular => FileTreeFormat.HasAttributes | FileTreeFormat.IsLinked | FileTreeFormat.HasExtents,
        FileTreeEntryType.SymbolicLink or FileTreeEntryType.Fifo or FileTreeEntryType.CharacterDevice or FileTreeEntryType.BlockDevice =>
            FileTreeFormat.HasAttributes | FileTreeFormat.IsLinked,
        _ => 0,
    };

    private static bool IsName(ReadOnlySpan<byte> name) =>
        !name.ContainsAny((byte)'/', (byte)0) && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8);

    private static void Status(ref EntryCursor cursor, FileTreeEntry entry, bool hasAttributes)
    {
        entry.Mode = (int)cursor.Number(MaxMode, "a mode");

        // The highest id means "leave as it is" to the kernel.
        entry.Uid = (uint)cursor.Number(uint.MaxValue - 1, "an owner");
        entry.Gid = (uint)cursor.Number(uint.MaxValue - 1, "a group");
        entry.ModifiedSeconds = Varint.Unfold(cursor.Number(ulong.MaxValue, "a time"));
        entry.ModifiedNanoseconds = (uint)cursor.Number(MaxNanoseconds, "a time");
        if (!hasAttributes)
        {
            return;
        }

        var count = (int)cursor.Number(FileTreeLimits.MaxAttributes, "the number of attributes");
        var bytes = 0;
        for (var i = 0; i < count && cursor.IsGood; i++)
        {
            var name = cursor.Text(1, FileTreeLimits.MaxAttributeName, "the name of an attribute");
            var value = cursor.Text(0, FileTreeLimits.MaxAttributeValue, "the value of an attribute");
            bytes += name.Length + value.Length;
            if (bytes > FileTreeLimits.MaxAttributeBytes || (cursor.IsGood && !AttributeRules.Travels(name.Span)))
            {
                cursor.Fail("an attribute that does not travel");
            }

            entry.Attributes.Add(new FileTreeAttribute(name, value));
        }
    }

    private static void Rest(ref EntryCursor cursor, FileTreeEntry entry, bool hasExtents)
    {
        switch (entry.Type)
        {
            case FileTreeEntryType.Regular:
                entry.Size = (long)cursor.Number(long.MaxValue, "a size");
                Extents(ref cursor, entry, hasExtents);
                break;
            case FileTreeEntryType.SymbolicLink:
                entry.Link = cursor.Text(1, FileTreeLimits.MaxLink, "a symbolic link");
                if (entry.Link.Span.Contains((byte)0))
                {
                    cursor.Fail("a symbolic link");
                }

                break;
            case FileTreeEntryType.CharacterDevice or FileTreeEntryType.BlockDevice:
                var major = (uint)cursor.Number(uint.MaxValue, "a device");
                entry.Device = new DeviceNumber(major, (uint)cursor.Number(uint.MaxValue, "a device"));
                break;
            default:
                break;
        }
    }

    private static void Extents(ref EntryCursor cursor, FileTreeEntry entry, bool hasExtents)
    {
        if (!hasExtents)
        {
            if (entry.Size > 0)
            {
                Add(ref cursor, entry, new FileTreeExtent(0, entry.Size));
            }

            return;
        }

        var count = (int)cursor.Number(FileTreeLimits.MaxExtents, "the number of stretches of data");
        long end = 0;
        for (var i = 0; i < count && cursor.IsGood; i++)
        {
            var start = end + (long)cursor.Number((ulong)(entry.Size - end), "a hole");
            var length = (long)cursor.Number((ulong)(entry.Size - start), "a stretch of data");
            end = start + length;
            Add(ref cursor, entry, new FileTreeExtent(start, length));
        }
    }

    private static void Add(ref EntryCursor cursor, FileTreeEntry entry, FileTreeExtent extent)
    {
        // Rounded up to pages, without overflow.
        var pages = (extent.Length / FileTreeLimits.Page) + (extent.Length % FileTreeLimits.Page == 0 ? 0 : 1);
        if (pages > (long.MaxValue - entry.ContentLength) / FileTreeLimits.Page)
        {
            cursor.Fail("a stretch of data");
            return;
        }

        entry.Extents.Add(extent);
        entry.ContentLength += pages * FileTreeLimits.Page;
    }
}
