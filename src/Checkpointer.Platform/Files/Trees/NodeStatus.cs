namespace Checkpointer.Platform;

/// <summary>
/// What <c>statx</c> says of a node of a tree; a value, because a tree has millions. (<see cref="FileStatus"/> is the class for single files.)
/// </summary>
public readonly record struct NodeStatus
{
    /// <summary>The type bits of the mode.</summary>
    public FileType Type { get; init; }

    /// <summary>Permission, set-id and sticky bits (07777).</summary>
    public int Mode { get; init; }

    public uint Uid { get; init; }

    public uint Gid { get; init; }

    /// <summary>Names that the node has.</summary>
    public uint Links { get; init; }

    public ulong Inode { get; init; }

    public DeviceNumber Device { get; init; }

    /// <summary>For device files: which device.</summary>
    public DeviceNumber RepresentedDevice { get; init; }

    /// <summary>Bytes; apparent, so holes count.</summary>
    public long Size { get; init; }

    /// <summary>Bytes really occupied.</summary>
    public long Allocated { get; init; }

    /// <summary>Seconds since 1970; may be negative.</summary>
    public long ModifiedSeconds { get; init; }

    public uint ModifiedNanoseconds { get; init; }

    /// <summary>When the node itself was last changed: seconds since 1970.</summary>
    public long ChangedSeconds { get; init; }

    public uint ChangedNanoseconds { get; init; }

    /// <summary>True when the node is the root of a mount.</summary>
    public bool IsMountRoot { get; init; }

    internal static NodeStatus From(in Libc.StatxBuffer s) => new()
    {
        Type = (FileType)(s.Mode & 0xf000),
        Mode = s.Mode & 0xfff,
        Uid = s.Uid,
        Gid = s.Gid,
        Links = s.Links,
        Inode = s.Inode,
        Device = new DeviceNumber(s.DeviceMajor, s.DeviceMinor),
        RepresentedDevice = new DeviceNumber(s.RepresentedMajor, s.RepresentedMinor),
        Size = (long)s.Size,
        Allocated = (long)s.Blocks * 512,
        ModifiedSeconds = s.ModifiedSeconds,
        ModifiedNanoseconds = s.ModifiedNanoseconds,
        ChangedSeconds = s.ChangedSeconds,
        ChangedNanoseconds = s.ChangedNanoseconds,
        IsMountRoot = (s.Attributes & Libc.StatxAttributeMountRoot) != 0,
    };
}
