using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// Nodes of a directory tree by open directory and name. Names are bytes; no call follows a symbolic link or leaves the directory.
/// Failures are <see cref="PlatformException"/>; the caller knows the path and adds it.
/// </summary>
public static unsafe partial class Nodes
{
    private const int LookFlags = Libc.AtSymlinkNoFollow | Libc.AtNoAutomount;

    /// <summary>
    /// The status of the node of that name; false when there is none. What is mounted on it counts, not what lies below. It may be a file
    /// system whose server hangs, or is frozen: nothing is asked of it.
    /// </summary>
    /// <exception cref="PlatformException">The kernel refuses, or (ENOSYS) is before 5.8 and cannot tell mount points.</exception>
    public static bool TryStatus(SafeFileHandle directory, ReadOnlySpan<byte> name, out NodeStatus status)
    {
        byte* text = stackalloc byte[CName.MaxPath];
        CName.CopyName(name, new Span<byte>(text, CName.MaxPath));
        Libc.StatxBuffer buffer;
        if (Libc.Statx(directory, text, LookFlags | Libc.AtDoNotSync, Libc.StatxBasicStats, &buffer) != 0)
        {
            status = default;
            return Libc.LastError == Errno.ENOENT ? false : throw Libc.Failure("statx");
        }

        status = Known(buffer);
        return true;
    }

    /// <summary>The status of an open node, also one opened as a mere path.</summary>
    public static NodeStatus Status(SafeFileHandle node)
    {
        byte nothing = 0;
        Libc.StatxBuffer buffer;
        return Libc.Statx(node, &nothing, Libc.AtEmptyPath | LookFlags, Libc.StatxBasicStats, &buffer) == 0
            ? Known(buffer)
            : throw Libc.Failure("statx");
    }

    /// <summary>What a symbolic link holds, into <paramref name="buffer"/>; the answer is its length. Longer than the buffer is ERANGE.</summary>
    public static int ReadLink(SafeFileHandle directory, ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        byte* text = stackalloc byte[CName.MaxPath];
        CName.CopyName(name, new Span<byte>(text, CName.MaxPath));
        fixed (byte* start = buffer)
        {
            nint length = Libc.ReadLinkAt(directory, text, start, (nuint)buffer.Length);
            if (length < 0)
            {
                throw Libc.Failure("readlinkat");
            }

            return length < buffer.Length ? (int)length : throw PlatformException.FromErrno("readlinkat", Errno.ERANGE);
        }
    }

    /// <summary>
    /// Removes a name: of anything but a directory, or of an empty directory. The caller has made sure that it is no mount point: a
    /// removal by somebody in another mount namespace takes the mount away.
    /// </summary>
    /// <returns>False when the directory is not empty.</returns>
    public static bool Remove(SafeFileHandle directory, ReadOnlySpan<byte> name, bool isDirectory)
    {
        byte* text = stackalloc byte[CName.MaxPath];
        CName.CopyName(name, new Span<byte>(text, CName.MaxPath));
        if (Libc.UnlinkAt(directory, text, isDirectory ? Libc.AtRemoveDirectory : 0) == 0)
        {
            return true;
        }

        return isDirectory && Libc.LastError is Errno.ENOTEMPTY or Errno.EEXIST ? false : throw Libc.Failure("unlinkat");
    }

    private static NodeStatus Known(in Libc.StatxBuffer buffer) =>
        (buffer.AttributesMask & Libc.StatxAttributeMountRoot) != 0
            ? NodeStatus.From(buffer)
            : throw PlatformException.FromErrno("statx does not tell mount points", Errno.ENOSYS);
}
