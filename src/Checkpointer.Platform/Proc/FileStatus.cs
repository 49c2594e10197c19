using System.Runtime.InteropServices;

namespace Checkpointer.Platform;

/// <summary>What <c>statx</c> says of a file. It works on <c>/proc/PID/fd/N</c> too, and then speaks of the opened file, deleted or not.</summary>
public sealed unsafe record FileStatus
{
    private const int DoNotSync = 0x4000;           // AT_STATX_DONT_SYNC: a hung network file system must not hang us
    private const int NanosecondsPerSecond = 1_000_000_000;

    public required FileType Type { get; init; }

    /// <summary>Permission bits (07777).</summary>
    public required int Mode { get; init; }

    public required uint Links { get; init; }

    public required uint Uid { get; init; }

    public required uint Gid { get; init; }

    public required ulong Inode { get; init; }

    public required long Size { get; init; }

    /// <summary>Bytes really occupied.</summary>
    public required long Allocated { get; init; }

    /// <summary>Nanoseconds since 1970.</summary>
    public required long ModifiedNanoseconds { get; init; }

    /// <summary>When the file was made, nanoseconds since 1970; 0 where the file system does not keep it. Nobody can set it.</summary>
    public required long BornNanoseconds { get; init; }

    public required DeviceNumber Device { get; init; }

    /// <summary>For device files: which device.</summary>
    public required DeviceNumber RepresentedDevice { get; init; }

    /// <summary>The status of the file at a path, links followed; null when it cannot be had (gone, or no permission).</summary>
    public static FileStatus? Of(string path, bool followLinks = true)
    {
        NativePath.Check(path);
        int flags = DoNotSync | (followLinks ? 0 : Libc.AtSymlinkNoFollow);
        Libc.StatxBuffer s;
        return Libc.Statx(Libc.AtCurrentDirectory, path, flags, Libc.StatxBasicStats | Libc.StatxBirthTime, &s) == 0 ? From(s) : null;
    }

    /// <summary>The status of an open file, also one opened as a mere path.</summary>
    /// <exception cref="PlatformException">The kernel refuses.</exception>
    public static FileStatus Of(SafeHandle handle)
    {
        Libc.StatxBuffer s;
        return Libc.Statx(handle, "", Libc.AtEmptyPath | DoNotSync, Libc.StatxBasicStats | Libc.StatxBirthTime, &s) == 0 ? From(s) : throw Libc.Failure("statx");
    }

    /// <summary>True for another view of the same file.</summary>
    public bool IsSameFile(FileStatus other) => Device == other.Device && Inode == other.Inode;

    private static FileStatus From(in Libc.StatxBuffer s)
    {
        return new FileStatus
        {
            Type = (FileType)(s.Mode & 0xf000),
            Mode = s.Mode & 0xfff,
            Links = s.Links,
            Uid = s.Uid,
            Gid = s.Gid,
            Inode = s.Inode,
            Size = (long)s.Size,
            Allocated = (long)s.Blocks * 512,
            ModifiedNanoseconds = (s.ModifiedSeconds * NanosecondsPerSecond) + s.ModifiedNanoseconds,
            BornNanoseconds = (s.BirthSeconds * NanosecondsPerSecond) + s.BirthNanoseconds,
            Device = new DeviceNumber(s.DeviceMajor, s.DeviceMinor),
            RepresentedDevice = new DeviceNumber(s.RepresentedMajor, s.RepresentedMinor),
        };
    }
}

/// <summary>The type bits of a mode.</summary>
public enum FileType
{
    None = 0, // anon_inode and other kernel objects
    Fifo = 0x1000,
    CharacterDevice = 0x2000,
    Directory = 0x4000,
    BlockDevice = 0x6000,
    Regular = 0x8000,
    SymbolicLink = 0xa000,
    Socket = 0xc000,
}

/// <summary>A device number.</summary>
public readonly record struct DeviceNumber(uint Major, uint Minor)
{
    /// <summary>As <c>stat</c> gives it to programs (glibc's makedev).</summary>
    public ulong Value => ((ulong)(Major & 0xfffff000) << 32) | ((ulong)(Major & 0xfff) << 8) | ((ulong)(Minor & 0xffffff00) << 12) | (Minor & 0xff);

    /// <inheritdoc/>
    public override string ToString()
    {
        return $"{Major}:{Minor}";
    }
}
