namespace Checkpointer.Engine.Preflight;

/// <summary>A file of the workload whose contents CRIU does not save.</summary>
public sealed record FileStateEntry
{
    /// <summary>Absolute path as the workload's root process sees it.</summary>
    public required string Path { get; init; }

    /// <summary>Bytes at inspection.</summary>
    public required long Size { get; init; }

    /// <summary>Modification time, nanoseconds since 1970.</summary>
    public required long ModifiedNanoseconds { get; init; }

    /// <summary>Permission bits (07777).</summary>
    public required int Mode { get; init; }

    public required long Uid { get; init; }

    public required long Gid { get; init; }

    public required ulong Inode { get; init; }

    /// <summary>Device number as stat gives it.</summary>
    public required ulong Device { get; init; }

    /// <summary>True when the file lives on tmpfs, so that it must travel with the snapshot.</summary>
    public bool OnTmpfs { get; init; }

    /// <summary>True when the tree maps it.</summary>
    public bool Mapped { get; init; }

    /// <summary>True when the tree has it open for writing or maps it shared and writable.</summary>
    public bool Writable { get; init; }
}
