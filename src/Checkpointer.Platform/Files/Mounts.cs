using System.Globalization;

namespace Checkpointer.Platform;

/// <summary>Mounts and unmounts by system calls; no mount(8) is needed on the host. Needs CAP_SYS_ADMIN.</summary>
public static unsafe class Mounts
{
    /// <summary>
    /// Mounts a new tmpfs on an existing directory, without set-uid programs and devices. (Programs may run from it:
    /// CRIU executes the hook that lies there.)
    /// </summary>
    public static void MountTmpfs(string path, long sizeBytes, UnixFileMode mode)
    {
        NativePath.Check(path);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sizeBytes);
        string octal = Convert.ToString((int)mode, 8);
        string options = string.Create(CultureInfo.InvariantCulture, $"size={sizeBytes},mode={octal}");
        if (Libc.Mount("checkpointer", path, "tmpfs", Libc.MountNoSuid | Libc.MountNoDev, options) != 0)
        {
            throw Libc.Failure($"mount tmpfs on {path}");
        }
    }

    /// <summary>
    /// Unmounts. A mount that is in use is EBUSY, unless <paramref name="detach"/>: then it vanishes from the tree at
    /// once and ends with its last user.
    /// </summary>
    public static void Unmount(string path, bool detach = false)
    {
        NativePath.Check(path);
        if (Libc.Unmount(path, Libc.UnmountNoFollow | (detach ? Libc.UnmountDetach : 0)) != 0)
        {
            throw Libc.Failure($"unmount {path}");
        }
    }

    /// <summary>True when the path is the root of a mount; false also when it does not exist. Needs Linux 5.8.</summary>
    public static bool IsMountPoint(string path)
    {
        NativePath.Check(path);
        Libc.StatxBuffer buffer;
        return Libc.Statx(Libc.AtCurrentDirectory, path, Libc.AtSymlinkNoFollow, Libc.StatxBasicStats, &buffer) == 0
            && (buffer.Attributes & Libc.StatxAttributeMountRoot) != 0;
    }
}
