using System.Runtime.InteropServices;

namespace Checkpointer.Platform;

/// <summary>What <c>statx</c> says of a file. It works on <c>/proc/PID/fd/N</c> too, and then speaks of the opened file, deleted or not.</summary>
public sealed partial record FileStatus
{
    private const int CurrentDirectory = -100;      // AT_FDCWD
    private const int DoNotSync = 0x4000;           // AT_STATX_DONT_SYNC: a hung network file system must not hang us
    private const int DoNotFollow = 0x100;          // AT_SYMLINK_NOFOLLOW
    private const uint BasicFields = 0x7ff;         // STATX_BASIC_STATS
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

    public required DeviceNumber Device { get; init; }

    /// <summary>For device files: which device.</summary>
    public required DeviceNumber RepresentedDevice { get; init; }

    /// <summary>The status of the file at a path, links followed; null when it cannot be had (gone, or no permission).</summary>
    public static FileStatus? Of(string path, bool followLinks = true)
    {
        int flags = DoNotSync | (followLinks ? 0 : DoNotFollow);
        return Statx(CurrentDirectory, path, flags, BasicFields, out StatxBuffer s) == 0 ? From(s) : null;
    }

    private static FileStatus From(in StatxBuffer s)
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
            Device = new DeviceNumber(s.DeviceMajor, s.DeviceMinor),
            RepresentedDevice = new DeviceNumber(s.RepresentedMajor, s.RepresentedMinor),
        };
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int directory, string path, int flags, uint mask, out StatxBuffer buffer);

    // struct statx is the same on every architecture: 256 bytes, of which we name what we use.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct StatxBuffer
    {
        [FieldOffset(0x10)] public uint Links;
        [FieldOffset(0x14)] public uint Uid;
        [FieldOffset(0x18)] public uint Gid;
        [FieldOffset(0x1c)] public ushort Mode;
        [FieldOffset(0x20)] public ulong Inode;
        [FieldOffset(0x28)] public ulong Size;
        [FieldOffset(0x30)] public ulong Blocks;
        [FieldOffset(0x70)] public long ModifiedSeconds;
        [FieldOffset(0x78)] public uint ModifiedNanoseconds;
        [FieldOffset(0x80)] public uint RepresentedMajor;
        [FieldOffset(0x84)] public uint RepresentedMinor;
        [FieldOffset(0x88)] public uint DeviceMajor;
        [FieldOffset(0x8c)] public uint DeviceMinor;
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
