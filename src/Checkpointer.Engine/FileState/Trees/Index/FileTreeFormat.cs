namespace Checkpointer.Engine.FileState.Trees;

/// <summary>The numbers of the index (docs/format.md, file trees). Persisted: only ever added to.</summary>
internal static class FileTreeFormat
{
    public const byte Version = 1;

    /// <summary>How the names of a tree's two files begin in a snapshot. CRIU's own names end in <c>.img</c>; these do not.</summary>
    public const string NamePrefix = "tree-";

    /// <summary>How the name of the file with the contents ends.</summary>
    public const string ContentSuffix = "-data";

    /// <summary>Whether a file of a snapshot holds a tree's contents.</summary>
    public static bool IsContent(string name) => name.StartsWith(NamePrefix, StringComparison.Ordinal) && name.EndsWith(ContentSuffix, StringComparison.Ordinal);

    /// <summary>In the low bits of an entry's first byte.</summary>
    public const int TypeMask = 0x0f;

    /// <summary>Extended attributes follow the status.</summary>
    public const int HasAttributes = 0x10;

    /// <summary>The node has further names: it takes the next group number, and later entries may be links to it.</summary>
    public const int IsLinked = 0x20;

    /// <summary>A directory whose content is all that there is: nothing of the layers below shows through.</summary>
    public const int IsOpaque = 0x40;

    /// <summary>A regular file with a list of its stretches of data; without it the data are the whole file.</summary>
    public const int HasExtents = 0x80;

    /// <summary>The first bytes of an index.</summary>
    public static ReadOnlySpan<byte> Magic => "CKPTREE\0"u8;
}

/// <summary>What an entry is. Persisted; numbers above these are damage.</summary>
internal enum FileTreeEntryType
{
    /// <summary>No entry: the directory that was begun last has no more.</summary>
    End = 0,
    Directory = 1,
    Regular = 2,
    SymbolicLink = 3,
    Fifo = 4,
    CharacterDevice = 5,
    BlockDevice = 6,

    /// <summary>A further name of a node that an earlier entry made.</summary>
    HardLink = 7,

    /// <summary>The name is gone, though a layer below has it.</summary>
    Whiteout = 8,

    /// <summary>A directory that something is mounted on; what lies there is not part of the tree.</summary>
    MountedDirectory = 9,

    /// <summary>The same for anything else.</summary>
    MountedFile = 10,
}
