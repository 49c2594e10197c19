using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// An exclusive advisory lock (flock) on a file, which is created where needed (0600). It ends with Dispose or with
/// the process, however that ends; children do not inherit it. The file must not be replaced by rename while locked:
/// lock a file that has no other use.
/// </summary>
public sealed class FileLock : IDisposable
{
    /// <summary>Times that a lock file may vanish between opening and locking before we give up; each needs a race lost.</summary>
    private const int MaxAttempts = 100;

    private FileLock(string path, SafeFileHandle handle)
    {
        Path = path;
        Handle = handle;
    }

    /// <summary>The locked file's path, as given.</summary>
    public string Path { get; }

    /// <summary>The locked file, readable and writable.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Takes the lock, or answers null when someone else (of this process, too) holds it.</summary>
    public static FileLock? TryTake(string path)
    {
        for (int attempt = 0; attempt < MaxAttempts; attempt++)
        {
            SafeFileHandle handle = Fds.Open(path, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.NoFollow);
            if (!TryLock(handle, path))
            {
                handle.Dispose();
                return null;
            }

            // Its last owner may have deleted it after we had opened it: then a lock on it excludes nobody.
            if (FileStatus.Of(path, followLinks: false)?.IsSameFile(FileStatus.Of(handle)) == true)
            {
                return new FileLock(path, handle);
            }

            handle.Dispose();
        }

        throw new PlatformException("lock-unstable", $"{path} is replaced again and again while it is being locked.");
    }

    /// <summary>Deletes the file while it is still locked, then releases it: for a lock that nobody will need again.</summary>
    public void DeleteAndDispose()
    {
        if (!Handle.IsClosed && Libc.Unlink(Path) != 0 && Libc.LastError != Errno.ENOENT)
        {
            PlatformException failure = Libc.Failure($"unlink {Path}");
            Dispose();
            throw failure;
        }

        Dispose();
    }

    /// <summary>Releases the lock; the file stays.</summary>
    public void Dispose()
    {
        // Said explicitly: a child between fork and exec has a copy of the fd, so closing ours would not release it yet.
        if (!Handle.IsClosed)
        {
            Libc.Lock(Handle, Libc.LockRelease); // closing releases it at the latest
        }

        Handle.Dispose();
    }

    private static bool TryLock(SafeFileHandle handle, string path)
    {
        while (Libc.Lock(handle, Libc.LockExclusive | Libc.LockNonBlocking) != 0)
        {
            switch (Libc.LastError)
            {
                case Errno.EINTR: continue;
                case Errno.EAGAIN: return false;
                default:
                    PlatformException failure = Libc.Failure($"flock {path}");
                    handle.Dispose();
                    throw failure;
            }
        }

        return true;
    }
}
