using System.Net.Sockets;
using System.Text;
using Checkpointer.Platform;

namespace Checkpointer.Node;

/// <summary>
/// The place of the service's socket: makes its directory (0700), refuses to push a live service aside, removes a socket that a
/// dead one left, and opens the new one with 0600 before anybody can connect. A lock file beside it makes "is the other one
/// alive" and "take its place" one step. Disposing removes the socket and lets go of the lock.
/// </summary>
internal sealed class SocketPlace : IDisposable
{
    /// <summary>Bytes of sun_path without the terminating zero.</summary>
    public const int MaxPathBytes = 107;

    /// <summary>How many connections may wait to be accepted; a burst of clients, not a limit on work.</summary>
    public const int Backlog = 128;

    /// <summary>ENXIO.</summary>
    private const int NoSuchDevice = 6;

    private const UnixFileMode DirectoryMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode SocketMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OthersMayWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    private readonly FileLock _lock;
    private bool _bound;

    private SocketPlace(string path, FileLock lockFile)
    {
        Path = path;
        _lock = lockFile;
    }

    public string Path { get; }

    /// <summary>Takes the place. Codes: <c>socket-in-use</c>, <c>socket-path</c>, <c>socket-directory</c>, all exit 5.</summary>
    public static SocketPlace Take(string path, string runDirectory)
    {
        var bytes = Encoding.UTF8.GetByteCount(path);
        if (bytes > MaxPathBytes)
        {
            throw new HostException(
                "socket-path",
                $"The socket's path has {bytes} bytes; the kernel takes at most {MaxPathBytes}: {path}",
                "Choose a shorter --socket.");
        }

        PrepareDirectory(System.IO.Path.GetDirectoryName(path)!, runDirectory);
        var place = new SocketPlace(path, TakeLock(path));
        try
        {
            place.Clear();
            return place;
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }

    /// <summary>Binds the socket, with its mode set before it listens: until then the kernel refuses every connection.</summary>
    public Socket Bind()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(EndPoint(Path));
            _bound = true;
            File.SetUnixFileMode(Path, SocketMode);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The address of a socket; a path that is too long is told in our words.</summary>
    public static UnixDomainSocketEndPoint EndPoint(string path)
    {
        try
        {
            return new UnixDomainSocketEndPoint(path);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new HostException(
                "socket-path", $"The socket's path is longer than {MaxPathBytes} bytes: {path}", "Choose a shorter --socket.", e);
        }
    }

    /// <summary>Connects a client to a socket; the stream owns the connection.</summary>
    public static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(EndPoint(path), cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Whether anybody accepts connections there.</summary>
    public static bool Answers(string path)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            probe.Connect(EndPoint(path));
            return true;
        }
        catch (SocketException e)
        {
            // A full backlog (EAGAIN) is somebody busy, not somebody dead.
            return e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress or SocketError.TryAgain;
        }
    }

    public void Dispose()
    {
        // The socket first: whoever takes the lock next must not find it, and must not lose its own to us.
        if (_bound)
        {
            File.Delete(Path);
            _bound = false;
        }

        _lock.Dispose();
    }

    private static void PrepareDirectory(string directory, string runDirectory)
    {
        try
        {
            if (!Directory.Exists(directory))
            {
                Directory.CreateDirectory(directory, DirectoryMode);
                return;
            }

            // Our own run directory is narrowed; somebody else's directory is not ours to change.
            if (directory.TrimEnd('/') == runDirectory.TrimEnd('/'))
            {
                File.SetUnixFileMode(directory, DirectoryMode);
                return;
            }

            if ((File.GetUnixFileMode(directory) & OthersMayWrite) != 0)
            {
                throw new HostException(
                    "socket-directory",
                    $"Others may write in {directory}, so they could put their own socket in place of the service's.",
                    $"Use a directory of your own (chmod 0700 {directory}) or choose another --socket.");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HostException(
                "socket-directory",
                $"The socket's directory {directory} cannot be used: {e.Message}",
                "Run as root, or choose another --socket.",
                e);
        }
    }

    private static FileLock TakeLock(string path)
    {
        try
        {
            return FileLock.TryTake($"{path}.lock") ?? throw InUse(path);
        }
        catch (PlatformException e)
        {
            throw new HostException(
                "socket-directory",
                $"The lock file {path}.lock cannot be used: {e.Message}",
                "Run as root, or choose another --socket.",
                e);
        }
    }

    private void Clear()
    {
        if (Answers(Path))
        {
            throw InUse(Path);
        }

        if (!System.IO.Path.Exists(Path) && new FileInfo(Path).LinkTarget is null)
        {
            return;
        }

        if (!IsSocket(Path))
        {
            throw new HostException("socket-path", $"{Path} exists and is not a socket.", "Remove it, or choose another --socket.");
        }

        File.Delete(Path);
    }

    /// <summary>Only a socket refuses to be opened with ENXIO (non-blocking, so that a fifo does not hold us up).</summary>
    private static bool IsSocket(string path)
    {
        try
        {
            Fds.Open(path, OpenFlags.ReadOnly | OpenFlags.NonBlocking | OpenFlags.NoFollow).Dispose();
            return false;
        }
        catch (PlatformException e) when (e.Errno == NoSuchDevice)
        {
            return true;
        }
        catch (PlatformException)
        {
            // A link (ELOOP) or whatever else it is: not a socket.
            return false;
        }
    }

    private static HostException InUse(string path)
    {
        return new HostException(
            "socket-in-use",
            $"Another service is using {path}.",
            "Stop that service first, or choose another --socket (and state and run directories) for this one.");
    }
}
