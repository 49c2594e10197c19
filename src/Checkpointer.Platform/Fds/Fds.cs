using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// File descriptors as safe handles: every one is close-on-exec, and none is made non-blocking unless asked.
/// Failures are <see cref="PlatformException"/> with the errno.
/// </summary>
public static unsafe partial class Fds
{
    private const UnixFileMode OwnerReadWrite = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Opens a file by path. <paramref name="mode"/> counts only when the call creates it.</summary>
    public static SafeFileHandle Open(string path, OpenFlags flags, UnixFileMode mode = OwnerReadWrite) =>
        TryOpen(path, flags, mode, out int errno) ?? throw PlatformException.FromErrno($"open {path}", errno);

    /// <summary>As <see cref="Open"/>, but answers null and the errno instead of raising.</summary>
    public static SafeFileHandle? TryOpen(string path, OpenFlags flags, UnixFileMode mode, out int errno)
    {
        NativePath.Check(path);
        nint text = Marshal.StringToCoTaskMemUTF8(path);
        try
        {
            while (true)
            {
                SafeFileHandle handle =
                    Libc.SyscallOpen(SyscallNumbers.OpenAt, Libc.AtCurrentDirectory, text, NativeFlags(flags), (nint)(int)mode);
                errno = handle.IsInvalid ? Libc.LastError : 0;
                if (!handle.IsInvalid)
                {
                    return handle;
                }

                handle.Dispose();
                if (errno != Errno.EINTR)
                {
                    return null;
                }
            }
        }
        finally
        {
            Marshal.FreeCoTaskMem(text);
        }
    }

    /// <summary>/dev/null for reading and writing.</summary>
    public static SafeFileHandle OpenNull() => Open("/dev/null", OpenFlags.ReadWrite);

    /// <summary>A new pipe.</summary>
    public static PipePair Pipe()
    {
        int* fds = stackalloc int[2];
        if (Libc.Pipe2(fds, Libc.OCloseOnExec) != 0)
        {
            throw Libc.Failure("pipe2");
        }

        return new PipePair(new SafeFileHandle(fds[0], ownsHandle: true), new SafeFileHandle(fds[1], ownsHandle: true));
    }

    /// <summary>Another descriptor of the same open file.</summary>
    public static SafeFileHandle Dup(SafeHandle handle)
    {
        SafeFileHandle copy = Libc.SyscallOpen(SyscallNumbers.Fcntl, handle, Libc.FDupFdCloseOnExec, 0, 0);
        if (copy.IsInvalid)
        {
            PlatformException failure = Libc.Failure("fcntl(F_DUPFD_CLOEXEC)");
            copy.Dispose();
            throw failure;
        }

        return copy;
    }

    /// <summary>Makes the open file non-blocking or blocking. Everyone who shares the open file is concerned.</summary>
    public static void SetNonBlocking(SafeHandle handle, bool on = true)
    {
        int flags = Control(handle, Libc.FGetFl, 0, "fcntl(F_GETFL)");
        int wanted = on ? flags | Libc.ONonBlock : flags & ~Libc.ONonBlock;
        if (wanted != flags)
        {
            Control(handle, Libc.FSetFl, wanted, "fcntl(F_SETFL)");
        }
    }

    /// <summary>Clears or sets close-on-exec, for an fd that a child shall or shall not inherit.</summary>
    public static void SetCloseOnExec(SafeHandle handle, bool on) =>
        Control(handle, Libc.FSetFd, on ? Libc.FdCloseOnExec : 0, "fcntl(F_SETFD)");

    internal static int NativeFlags(OpenFlags flags)
    {
        int native = ((int)flags & 3) | Libc.OCloseOnExec;
        native |= flags.HasFlag(OpenFlags.Create) ? Libc.OCreate : 0;
        native |= flags.HasFlag(OpenFlags.Exclusive) ? Libc.OExclusive : 0;
        native |= flags.HasFlag(OpenFlags.Truncate) ? Libc.OTruncate : 0;
        native |= flags.HasFlag(OpenFlags.Append) ? Libc.OAppend : 0;
        native |= flags.HasFlag(OpenFlags.NoFollow) ? Libc.ONoFollow : 0;
        native |= flags.HasFlag(OpenFlags.Directory) ? Libc.ODirectory : 0;
        native |= flags.HasFlag(OpenFlags.Path) ? Libc.OPath : 0;
        native |= flags.HasFlag(OpenFlags.NonBlocking) ? Libc.ONonBlock : 0;
        return native;
    }

    private static int Control(SafeHandle handle, int command, int argument, string call)
    {
        int result = (int)Libc.Syscall(SyscallNumbers.Fcntl, handle, command, argument, 0);
        return result >= 0 ? result : throw Libc.Failure(call);
    }
}
