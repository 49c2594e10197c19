using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>Making nodes and giving them owner, mode and time.</summary>
public static unsafe partial class Nodes
{
    private const uint ModeBits = 0xfff;

    /// <summary>A new directory that only its owner may enter.</summary>
    public static void MakeDirectory(SafeFileHandle directory, ReadOnlySpan<byte> name)
    {
        byte* text = stackalloc byte[CName.MaxPath];
        CName.CopyName(name, new Span<byte>(text, CName.MaxPath));
        Check(Libc.MakeDirectoryAt(directory, text, 0x1c0), "mkdirat");
    }

    /// <summary>A new symbolic link; <paramref name="content"/> is any text without NUL, 1 to 4095 bytes.</summary>
    public static void MakeSymbolicLink(SafeFileHandle directory, ReadOnlySpan<byte> name, ReadOnlySpan<byte> content)
    {
        byte* text = stackalloc byte[CName.MaxPath];
        CName.CopyName(name, new Span<byte>(text, CName.MaxPath));
        byte* to = stackalloc byte[CName.MaxPath];
        CName.Copy(content, new Span<byte>(to, CName.MaxPath));
        Check(Libc.SymbolicLinkAt(to, directory, text), "symlinkat");
    }

    /// <summary>A new fifo, socket or device file that only its owner may use.</summary>
    public static void MakeNode(SafeFileHandle directory, ReadOnlySpan<byte> name, FileType type, DeviceNumber device)
    {
        byte* text = stackalloc byte[CName.MaxPath];
        CName.CopyName(name, new Span<byte>(text, CName.MaxPath));

        // The kernel's 32-bit form: 12 bits of major, 20 of minor.
        if (device.Major > 0xfff || device.Minor > 0xfffff)
        {
            throw PlatformException.FromErrno("mknodat", Errno.EINVAL);
        }

        uint number = (device.Minor & 0xff) | (device.Major << 8) | ((device.Minor & ~0xffu) << 12);
        Check((int)Libc.Syscall(SyscallNumbers.MakeNodeAt, directory, (nint)text, (int)type | 0x180, (nint)number), "mknodat");
    }

    /// <summary>Another name for the node of a name in the same file system; a symbolic link is linked itself.</summary>
    public static void MakeLink(
        SafeFileHandle oldDirectory, ReadOnlySpan<byte> oldName, SafeFileHandle directory, ReadOnlySpan<byte> name)
    {
        byte* old = stackalloc byte[CName.MaxPath];
        CName.CopyName(oldName, new Span<byte>(old, CName.MaxPath));
        byte* text = stackalloc byte[CName.MaxPath];
        CName.CopyName(name, new Span<byte>(text, CName.MaxPath));
        Check(Libc.LinkAt(oldDirectory, old, directory, text, 0), "linkat");
    }

    /// <summary>Sets owner and group by name. It clears set-id bits and capabilities, so it comes first.</summary>
    public static void SetOwner(SafeFileHandle directory, ReadOnlySpan<byte> name, uint uid, uint gid)
    {
        byte* text = stackalloc byte[CName.MaxPath];
        CName.CopyName(name, new Span<byte>(text, CName.MaxPath));
        Check(Libc.ChangeOwnerAt(directory, text, uid, gid, Libc.AtSymlinkNoFollow), "fchownat");
    }

    /// <summary>The same for an open node.</summary>
    public static void SetOwner(SafeFileHandle node, uint uid, uint gid)
    {
        byte nothing = 0;
        Check(Libc.ChangeOwnerAt(node, &nothing, uid, gid, Libc.AtEmptyPath), "fchownat");
    }

    /// <summary>Sets permission, set-id and sticky bits (07777) of a node that is open for reading or writing.</summary>
    public static void SetMode(SafeFileHandle node, int mode) => Check(Libc.ChangeMode(node, (uint)mode & ModeBits), "fchmod");

    /// <summary>The same by name, for what cannot be opened without effect (fifos and devices); never through a symbolic link.</summary>
    public static void SetMode(SafeFileHandle directory, ReadOnlySpan<byte> name, int mode)
    {
        using SafeFileHandle node = Open(directory, name, OpenFlags.Path | OpenFlags.NoFollow);
        byte* path = stackalloc byte[ProcName.Max];
        ProcName.Of(node, [], new Span<byte>(path, ProcName.Max));
        Check(Libc.ChangeMode(path, (uint)mode & ModeBits), "chmod");
    }

    /// <summary>Sets the modification time by name; the access time stays. The node itself, also when it is a symbolic link.</summary>
    public static void SetModified(SafeFileHandle directory, ReadOnlySpan<byte> name, long seconds, uint nanoseconds)
    {
        byte* text = stackalloc byte[CName.MaxPath];
        CName.CopyName(name, new Span<byte>(text, CName.MaxPath));
        Libc.TimeSpec* times = stackalloc Libc.TimeSpec[2];
        Times(times, seconds, nanoseconds);
        Check(Libc.SetTimesAt(directory, text, times, Libc.AtSymlinkNoFollow), "utimensat");
    }

    /// <summary>The same for a node that is open for reading or writing.</summary>
    public static void SetModified(SafeFileHandle node, long seconds, uint nanoseconds)
    {
        Libc.TimeSpec* times = stackalloc Libc.TimeSpec[2];
        Times(times, seconds, nanoseconds);
        Check(Libc.SetTimes(node, times), "futimens");
    }

    private static void Times(Libc.TimeSpec* times, long seconds, uint nanoseconds)
    {
        times[0] = new Libc.TimeSpec { Nanoseconds = Libc.TimeOmit };
        times[1] = new Libc.TimeSpec { Seconds = (nint)seconds, Nanoseconds = (nint)nanoseconds };
    }

    private static void Check(int result, string call)
    {
        if (result != 0)
        {
            throw Libc.Failure(call);
        }
    }
}
