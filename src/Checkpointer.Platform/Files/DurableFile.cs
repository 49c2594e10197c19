using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// Files that appear under their name whole or not at all, and survive a crash once the call has returned. When a
/// call raises <see cref="PlatformException"/>, the name holds the old or the new file, and may not be durable.
/// </summary>
public static class DurableFile
{
    /// <summary>
    /// How names of unfinished files begin: dot files beside their target. A crash can leave them; nobody reads them,
    /// and whoever owns the directory may delete them.
    /// </summary>
    public const string TemporaryPrefix = ".tmp-";

    private const int NameBytes = 12; // 96 random bits: no two writers meet

    private const UnixFileMode OwnerReadWrite = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// Writes a file. An existing one is replaced, or with <paramref name="createOnly"/> kept: then the answer is false.
    /// Of several create-only calls for one path, exactly one gets true.
    /// </summary>
    public static bool Create(string path, ReadOnlySpan<byte> bytes, bool createOnly, UnixFileMode mode = OwnerReadWrite)
    {
        string temporary = TemporaryPathFor(path);
        using SafeFileHandle file = Fds.Open(temporary, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, mode);
        try
        {
            Fds.WriteAll(file, bytes);
        }
        catch
        {
            Libc.Unlink(temporary);
            throw;
        }

        return Publish(file, temporary, path, createOnly);
    }

    /// <summary>
    /// Makes a finished temporary file (of the same directory) durable and gives it its name. Answers false when
    /// <paramref name="createOnly"/> and the name is taken. The temporary name is gone afterwards, also after a failure.
    /// </summary>
    public static bool Publish(string temporaryPath, string path, bool createOnly)
    {
        using SafeFileHandle file = Fds.Open(temporaryPath, OpenFlags.WriteOnly);
        return Publish(file, temporaryPath, path, createOnly);
    }

    /// <summary>As the other, for a file that is still open.</summary>
    public static bool Publish(SafeFileHandle file, string temporaryPath, string path, bool createOnly)
    {
        NativePath.Check(temporaryPath);
        NativePath.Check(path);
        try
        {
            Sync(file, temporaryPath);
            if (!Move(temporaryPath, path, createOnly))
            {
                Libc.Unlink(temporaryPath);
                return false;
            }
        }
        catch
        {
            Libc.Unlink(temporaryPath);
            throw;
        }

        SyncDirectory(DirectoryOf(path));
        return true;
    }

    /// <summary>
    /// Gives a finished directory (whose files were flushed) its name. The name may be an empty directory, which it replaces; anything else there is
    /// an error (ENOTEMPTY, ENOTDIR), and then the temporary one stays.
    /// </summary>
    public static void PublishDirectory(string temporaryPath, string path)
    {
        NativePath.Check(temporaryPath);
        NativePath.Check(path);
        SyncDirectory(temporaryPath);
        if (Libc.Rename(temporaryPath, path) != 0)
        {
            throw Libc.Failure($"rename to {path}");
        }

        SyncDirectory(DirectoryOf(path));
    }

    /// <summary>A fresh temporary name beside the path, on the same file system.</summary>
    public static string TemporaryPathFor(string path) => Path.Combine(
        DirectoryOf(path), TemporaryPrefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NameBytes)));

    /// <summary>Removes a file for good. False when there was none.</summary>
    public static bool Delete(string path)
    {
        NativePath.Check(path);
        if (Libc.Unlink(path) != 0)
        {
            return Libc.LastError == Errno.ENOENT ? false : throw Libc.Failure($"unlink {path}");
        }

        SyncDirectory(DirectoryOf(path));
        return true;
    }

    /// <summary>Makes the names in a directory durable.</summary>
    public static void SyncDirectory(string directory)
    {
        using SafeFileHandle handle = Fds.Open(directory, OpenFlags.ReadOnly | OpenFlags.Directory);
        Sync(handle, directory);
    }

    private static string DirectoryOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";

    private static bool Move(string from, string to, bool createOnly)
    {
        if (!createOnly)
        {
            return Libc.Rename(from, to) == 0 ? true : throw Libc.Failure($"rename to {to}");
        }

        if (Libc.RenameNew(from, to) == 0)
        {
            return true;
        }

        switch (Libc.LastError)
        {
            case Errno.EEXIST:
                return false;
            case Errno.EINVAL or Errno.ENOSYS: // a file system without it, such as NFS
                return LinkNew(from, to);
            default:
                throw Libc.Failure($"rename to {to}");
        }
    }

    private static bool LinkNew(string from, string to)
    {
        if (Libc.Link(from, to) == 0)
        {
            Libc.Unlink(from); // the new name counts; a temporary one that stays is only litter
            return true;
        }

        return Libc.LastError == Errno.EEXIST ? false : throw Libc.Failure($"link {to}");
    }

    private static void Sync(SafeFileHandle handle, string name)
    {
        while (Libc.Sync(handle) != 0)
        {
            if (Libc.LastError != Errno.EINTR)
            {
                throw Libc.Failure($"fsync {name}");
            }
        }
    }
}
