using System.Runtime.InteropServices;

namespace Checkpointer.Platform;

/// <summary>The type of a file, from its mode.</summary>
public enum InodeKind
{
    /// <summary>None of the others.</summary>
    Other = 0,

    /// <summary>A fifo or pipe.</summary>
    Fifo = 1,

    /// <summary>A character device.</summary>
    CharacterDevice = 2,

    /// <summary>A directory.</summary>
    Directory = 4,

    /// <summary>A block device.</summary>
    BlockDevice = 6,

    /// <summary>A regular file.</summary>
    Regular = 8,

    /// <summary>A symbolic link.</summary>
    SymbolicLink = 10,

    /// <summary>A socket.</summary>
    Socket = 12,
}

/// <summary>What statx(2) tells of a file.</summary>
/// <param name="DeviceMajor">Major number of the device that holds it.</param>
/// <param name="DeviceMinor">Minor number of that device.</param>
/// <param name="Inode">Inode number on that device.</param>
/// <param name="Mode">Type and permission bits.</param>
/// <param name="Uid">Owner.</param>
/// <param name="Gid">Group.</param>
/// <param name="Links">Hard links; 0 for a file that is deleted but open.</param>
/// <param name="Size">Length in bytes.</param>
/// <param name="AllocatedBytes">Bytes that the file really occupies.</param>
/// <param name="ModifiedNanoseconds">Last modification in nanoseconds since 1970.</param>
/// <param name="MountId">Id of the mount through which it was reached, as in mountinfo.</param>
public readonly record struct FileStat(
    uint DeviceMajor,
    uint DeviceMinor,
    ulong Inode,
    int Mode,
    uint Uid,
    uint Gid,
    uint Links,
    long Size,
    long AllocatedBytes,
    long ModifiedNanoseconds,
    ulong MountId)
{
    private const int NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Unit of the kernel's block count, whatever the file system's block size is.</summary>
    private const int BytesPerCountedBlock = 512;

    /// <summary>The type of the file.</summary>
    public InodeKind Kind => (InodeKind)((Mode >> 12) & 0xf);

    /// <summary>True for another view of the same file.</summary>
    public bool IsSameFile(FileStat other) =>
        (DeviceMajor, DeviceMinor, Inode) == (other.DeviceMajor, other.DeviceMinor, other.Inode);

    /// <summary>Of a path; raises <see cref="PlatformException"/>.</summary>
    public static FileStat Of(string path, bool followLink = true) =>
        TryOf(path, followLink, out FileStat stat) ? stat : throw Libc.Failure($"statx {path}");

    /// <summary>Of an open file (also one opened as a mere path).</summary>
    public static unsafe FileStat Of(SafeHandle handle)
    {
        Libc.StatxBuffer buffer;
        return Libc.Statx(handle, "", Libc.AtEmptyPath, Libc.StatxBasicStats | Libc.StatxMountId, &buffer) == 0
            ? From(buffer)
            : throw Libc.Failure("statx");
    }

    /// <summary>Of a path; false when that fails, whatever the reason.</summary>
    public static unsafe bool TryOf(string path, bool followLink, out FileStat stat)
    {
        NativePath.Check(path);
        Libc.StatxBuffer buffer;
        int flags = followLink ? 0 : Libc.AtSymlinkNoFollow;
        bool done = Libc.Statx(Libc.AtCurrentDirectory, path, flags, Libc.StatxBasicStats | Libc.StatxMountId, &buffer) == 0;
        stat = done ? From(buffer) : default;
        return done;
    }

    private static FileStat From(in Libc.StatxBuffer buffer) => new(
        buffer.DeviceMajor,
        buffer.DeviceMinor,
        buffer.Inode,
        buffer.Mode,
        buffer.Uid,
        buffer.Gid,
        buffer.Links,
        (long)buffer.Size,
        (long)buffer.Blocks * BytesPerCountedBlock,
        (buffer.ModifiedSeconds * NanosecondsPerSecond) + buffer.ModifiedNanoseconds,
        buffer.MountId);
}
