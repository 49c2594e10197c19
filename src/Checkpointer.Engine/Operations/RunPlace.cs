using Checkpointer.Platform;

namespace Checkpointer.Engine;

/// <summary>
/// The directory of one running operation: sockets and nothing else, on a real tmpfs, below a path that is short enough for the
/// names that CRIU appends.
/// </summary>
internal sealed class RunPlace : IDisposable
{
    /// <summary>
    /// CRIU copies the directory and <c>/streamer-capture.sock</c> into a 108-byte socket address and cuts silently
    /// (criu/img-streamer.c): 85 bytes fit, 86 do not.
    /// </summary>
    private const int MaxDirectoryLength = 85;

    /// <summary>Sockets and pid files of all operations of a node. Bytes.</summary>
    private const long TmpfsBytes = 16 << 20;

    /// <summary>Whoever holds the lock makes one mount, in a millisecond.</summary>
    private static readonly TimeSpan MountLockTimeout = TimeSpan.FromSeconds(5);

    private RunPlace(string directory)
    {
        Directory = directory;
    }

    public string Directory { get; }

    /// <summary>An empty directory: CRIU's <c>--libdir</c>, so that no plugin is ever loaded.</summary>
    public string EmptyDirectory => Path.Combine(Directory, "lib");

    public string HookSocket => Path.Combine(Directory, "hook.sock");

    /// <summary>
    /// Makes sure that there is a private tmpfs, and returns its path: the run directory where that is on one, else a mount
    /// of ours inside it. Never on it: the service's socket and whatever else lies there would vanish under the mount.
    /// </summary>
    public static string Prepare(string runDirectory)
    {
        StateDirectories.Create(runDirectory);
        if (FileSystems.IsTmpfs(runDirectory))
        {
            return runDirectory;
        }

        var inside = Path.Combine(runDirectory, "tmp");
        StateDirectories.Create(inside);

        // One at a time: a second mount would cover the sockets of the operation that made the first.
        using var mounting = PatientLock.Take(Path.Combine(runDirectory, "mount.lock"), MountLockTimeout, "run-directory");
        if (FileSystems.IsTmpfs(inside))
        {
            return inside;
        }

        try
        {
            Mounts.MountTmpfs(inside, TmpfsBytes, StateDirectories.Private);
            return inside;
        }
        catch (PlatformException e)
        {
            throw new HostException(
                "run-directory",
                $"{runDirectory} is on a disk and no tmpfs could be mounted in it: {e.Message}",
                "Run as root, or name a run directory on a tmpfs.",
                e);
        }
    }

    /// <summary>The place of one tree of several, inside this one; it goes with it.</summary>
    public RunPlace Below(string name) => At(Path.Combine(Directory, name));

    public static RunPlace Create(string runDirectory, string operation)
    {
        return At(Path.Combine(Path.GetFullPath(Prepare(runDirectory)), operation));
    }

    private static RunPlace At(string directory)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(directory) > MaxDirectoryLength)
        {
            throw new UsageException(
                "run-directory-too-long",
                $"The directory {directory} of an operation is too long: it must stay within {MaxDirectoryLength} bytes.",
                "Name a shorter run directory.");
        }

        StateDirectories.Create(directory);
        var place = new RunPlace(directory);
        StateDirectories.Create(place.EmptyDirectory);
        return place;
    }

    public void Dispose()
    {
        try
        {
            System.IO.Directory.Delete(Directory, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Somebody cleaned the run directory; there is nothing left to remove.
        }
    }
}
