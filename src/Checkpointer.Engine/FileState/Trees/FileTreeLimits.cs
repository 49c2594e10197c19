namespace Checkpointer.Engine.FileState.Trees;

/// <summary>
/// What a tree may have. Capture refuses more, and a reader takes more for damage: so nothing in a snapshot can make it allocate or
/// descend without bound.
/// </summary>
internal static class FileTreeLimits
{
    /// <summary>Entries: ten times the largest container images; their names stay within some 100 MB in the largest single directory.</summary>
    public const int MaxEntries = 4_000_000;

    /// <summary>Bytes of a name: the kernel's NAME_MAX.</summary>
    public const int MaxName = 255;

    /// <summary>Bytes of a path below the root: the kernel's PATH_MAX without the NUL. Longer ones cannot be opened by path.</summary>
    public const int MaxPath = 4095;

    /// <summary>Directories within one another; as many as paths of short names allow in practice, and a stack of that depth is small.</summary>
    public const int MaxDepth = 1024;

    /// <summary>Bytes of a symbolic link: the kernel's PATH_MAX without the NUL.</summary>
    public const int MaxLink = 4095;

    /// <summary>Bytes of the name of an extended attribute: the kernel's XATTR_NAME_MAX.</summary>
    public const int MaxAttributeName = 255;

    /// <summary>Bytes of an extended attribute: the kernel's XATTR_SIZE_MAX.</summary>
    public const int MaxAttributeValue = 64 << 10;

    /// <summary>Extended attributes of one entry; real files have a handful.</summary>
    public const int MaxAttributes = 1024;

    /// <summary>Bytes of all attributes of one entry, names and values: sixteen of the longest, held in memory at once.</summary>
    public const int MaxAttributeBytes = 1 << 20;

    /// <summary>
    /// Stretches of data in one file. What follows in a file with more is taken as one stretch: its holes are read as zeroes, which the
    /// repository does not store either.
    /// </summary>
    public const int MaxExtents = 1 << 16;

    /// <summary>Bytes of the largest encoded entry: name, link, attributes and extents (20 bytes each at most), with room for the rest.</summary>
    public const int MaxEntryBytes = MaxAttributeBytes + (MaxExtents * 20) + (64 << 10);

    /// <summary>Patterns of what is left out.</summary>
    public const int MaxPatterns = 1024;

    /// <summary>Bytes of a pattern, as of a path.</summary>
    public const int MaxPattern = MaxPath;

    /// <summary>Bytes: contents begin at multiples of it, so that the repository cuts and finds unchanged files whole.</summary>
    public const int Page = 4096;

    /// <summary>Descriptors that a walk holds at once; deeper ones are closed and opened again by path on the way back.</summary>
    public const int OpenDirectories = 64;
}
