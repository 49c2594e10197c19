using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>Opening below a directory.</summary>
public static unsafe partial class Nodes
{
    private const ulong ResolveNoCrossing = 0x01;
    private const ulong ResolveNoMagicLinks = 0x02;
    private const ulong ResolveNoSymlinks = 0x04;
    private const ulong ResolveBeneath = 0x08;

    /// <summary>The kernel asks to repeat when a rename elsewhere raced; an attacker may race for ever.</summary>
    private const int MaxAttempts = 64;

    /// <summary>
    /// Opens a path (bytes, relative, at most 4095) below the directory: through no symbolic link and no mount point, and nothing leads
    /// out. <see cref="PlatformException"/> with ELOOP, ENOTDIR or EXDEV where one is in the way. With <see cref="OpenFlags.Path"/> a
    /// symbolic link at the end is opened itself.
    /// </summary>
    /// <param name="directory">Open in any way, also as a mere path.</param>
    /// <param name="path"><c>.</c> opens the directory itself anew.</param>
    /// <param name="flags">As everywhere; <see cref="OpenFlags.NoFollow"/> is implied.</param>
    /// <param name="keepAccessTime">Reading does not change the access time; needs to be the owner or CAP_FOWNER (EPERM else).</param>
    public static SafeFileHandle Open(SafeFileHandle directory, ReadOnlySpan<byte> path, OpenFlags flags, bool keepAccessTime = false)
    {
        byte* text = stackalloc byte[CName.MaxPath];
        CName.Copy(path, new Span<byte>(text, CName.MaxPath));
        OpenHow how = new()
        {
            Flags = (ulong)(Fds.NativeFlags(flags | OpenFlags.NoFollow) | (keepAccessTime ? Libc.ONoAccessTime : 0)),
            Mode = flags.HasFlag(OpenFlags.Create) ? 0x180u : 0,
            Resolve = ResolveBeneath | ResolveNoSymlinks | ResolveNoMagicLinks | ResolveNoCrossing,
        };
        int errno = 0;
        for (int attempt = 0; attempt < MaxAttempts; attempt++)
        {
            SafeFileHandle handle = Libc.SyscallOpen(SyscallNumbers.OpenAt2, directory, (nint)text, (nint)(&how), sizeof(OpenHow));
            if (!handle.IsInvalid)
            {
                return handle;
            }

            errno = Libc.LastError;
            handle.Dispose();
            if (errno is not (Errno.EAGAIN or Errno.EINTR))
            {
                break;
            }
        }

        throw PlatformException.FromErrno("openat2", errno);
    }

    /// <summary>struct open_how.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct OpenHow
    {
        internal ulong Flags;
        internal ulong Mode;
        internal ulong Resolve;
    }
}
