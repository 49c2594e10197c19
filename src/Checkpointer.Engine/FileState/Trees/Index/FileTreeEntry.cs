using Checkpointer.Platform;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>One entry of an index as it was read. One object serves a whole index: its bytes are valid until the next entry is read.</summary>
internal sealed class FileTreeEntry
{
    public FileTreeEntryType Type { get; set; }

    /// <summary>The node has further names: <see cref="Group"/> is its number.</summary>
    public bool IsLinked { get; set; }

    public bool IsOpaque { get; set; }

    public ReadOnlyMemory<byte> Name { get; set; }

    /// <summary>Permission, set-id and sticky bits.</summary>
    public int Mode { get; set; }

    public uint Uid { get; set; }

    public uint Gid { get; set; }

    public long ModifiedSeconds { get; set; }

    public uint ModifiedNanoseconds { get; set; }

    /// <summary>Of a regular file.</summary>
    public long Size { get; set; }

    /// <summary>Where a regular file has data: ascending, apart, within its size.</summary>
    public List<FileTreeExtent> Extents { get; } = [];

    /// <summary>What a symbolic link holds.</summary>
    public ReadOnlyMemory<byte> Link { get; set; }

    public DeviceNumber Device { get; set; }

    /// <summary>Of a hard link: the node it is another name of. Of a linked node: its own number.</summary>
    public int Group { get; set; }

    public List<FileTreeAttribute> Attributes { get; } = [];

    /// <summary>Bytes that the entry's extents take in the content file.</summary>
    public long ContentLength { get; set; }
}

/// <summary>A stretch of data in a file.</summary>
internal readonly record struct FileTreeExtent(long Start, long Length);

/// <summary>An extended attribute.</summary>
internal readonly record struct FileTreeAttribute(ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Value);
