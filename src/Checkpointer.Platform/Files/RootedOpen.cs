using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// Opens paths that come from images and manifests, so that nothing in them leads out of a root: <c>..</c>, absolute
/// paths and symbolic links are resolved as if the root were <c>/</c>, and the magic links of /proc are refused (ELOOP).
/// </summary>
public static unsafe class RootedOpen
{
    private const ulong ResolveNoMagicLinks = 0x02;
    private const ulong ResolveInRoot = 0x10;
    private const int PermissionBits = 0xfff;

    /// <summary>The kernel asks to repeat when a rename elsewhere raced with a <c>..</c>; an attacker may race for ever.</summary>
    private const int MaxAttempts = 64;

    /// <summary>A directory as the root for <see cref="Open"/>.</summary>
    public static SafeFileHandle OpenRoot(string path) => Fds.Open(path, OpenFlags.Path | OpenFlags.Directory);

    /// <summary>
    /// Opens below the root. <paramref name="mode"/> counts only with <see cref="OpenFlags.Create"/>. Raises
    /// <see cref="PlatformException"/> (ENOENT, ELOOP, ...). A fifo or device is opened as such: look at its status
    /// first with <see cref="OpenFlags.Path"/> where that matters.
    /// </summary>
    public static SafeFileHandle Open(
        SafeFileHandle root, string relative, OpenFlags flags, UnixFileMode mode = UnixFileMode.None)
    {
        NativePath.Check(relative);
        OpenHow how = new()
        {
            Flags = (ulong)Fds.NativeFlags(flags),
            Mode = flags.HasFlag(OpenFlags.Create) ? (ulong)((int)mode & PermissionBits) : 0,
            Resolve = ResolveInRoot | ResolveNoMagicLinks,
        };
        nint text = Marshal.StringToCoTaskMemUTF8(relative);
        try
        {
            int errno = 0;
            for (int attempt = 0; attempt < MaxAttempts; attempt++)
            {
                SafeFileHandle handle = Libc.SyscallOpen(SyscallNumbers.OpenAt2, root, text, (nint)(&how), sizeof(OpenHow));
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

            throw PlatformException.FromErrno($"openat2 {relative}", errno);
        }
        finally
        {
            Marshal.FreeCoTaskMem(text);
        }
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
