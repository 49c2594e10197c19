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

    private RunPlace(string directory)
    {
        Directory = directory;
    }

    public string Directory { get; }

    /// <summary>An empty directory: CRIU's <c>--libdir</c>, so that no plugin is ever loaded.</summary>
    public string EmptyDirectory => Path.Combine(Directory, "lib");

    public string HookSocket => Path.Combine(Directory, "hook.sock");

    /// <summary>Makes sure that the run directory is a private tmpfs, and returns it ready.</summary>
    public static void Prepare(string runDirectory)
    {
        StateDirectories.Create(runDirectory);
        if (FileSystems.IsTmpfs(runDirectory))
        {
            return;
        }

        try
        {
            Mounts.MountTmpfs(runDirectory, TmpfsBytes, StateDirectories.Private);
        }
        catch (PlatformException e)
        {
            throw new HostException(
                "run-directory",
                $"{runDirectory} is on a disk and no tmpfs could be mounted on it: {e.Message}",
                "Run as root, or name a run directory on a tmpfs.",
                e);
        }
    }

    public static RunPlace Create(string runDirectory, string operation)
    {
        Prepare(runDirectory);
        var directory = Path.Combine(Path.GetFullPath(runDirectory), operation);
        if (System.Text.Encoding.UTF8.GetByteCount(directory) > MaxDirectoryLength)
        {
            throw new UsageException(
                "run-directory-too-long",
                $"The run directory {runDirectory} is too long: with the operation's name it must stay within {MaxDirectoryLength} bytes.",
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
