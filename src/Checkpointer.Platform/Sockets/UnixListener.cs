using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// A listening unix stream socket, for its owner only (0600). Disposing closes it and removes its path, if that
/// still is this socket.
/// </summary>
public sealed unsafe class UnixListener : IDisposable
{
    /// <summary>Connections that may wait to be accepted; our sockets have one client, or a few.</summary>
    private const int DefaultBacklog = 16;

    /// <summary>Pause between attempts while the other side's queue is full: the kernel gives no event for that.</summary>
    private static readonly TimeSpan ConnectRetry = TimeSpan.FromMilliseconds(10);

    private readonly FileStatus? _bound;

    private UnixListener(string path, SafeFileHandle handle, FileStatus? bound)
    {
        Path = path;
        Handle = handle;
        _bound = bound;
    }

    /// <summary>Where it listens, as given.</summary>
    public string Path { get; }

    /// <summary>The listening socket (non-blocking), to be watched with <see cref="Epoll"/>.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>
    /// Listens at a path of any length. A socket that nobody listens on any more is replaced; a live one, or another
    /// kind of file, is EADDRINUSE.
    /// </summary>
    public static UnixListener Bind(string path, int backlog = DefaultBacklog)
    {
        using UnixAddress address = UnixAddress.OfPath(path);
        SafeFileHandle socket = NewSocket();
        try
        {
            // Linux gives the file the socket's own mode: so it never exists with a wider one.
            if (Libc.ChangeMode(socket, 0x180 /* 0600 */) != 0)
            {
                throw Libc.Failure("fchmod");
            }

            if (!TryBind(socket, address, path))
            {
                RemoveStale(path);
                if (!TryBind(socket, address, path))
                {
                    throw PlatformException.FromErrno($"bind {path}", Errno.EADDRINUSE);
                }
            }

            if (Libc.Listen(socket, backlog) != 0)
            {
                throw Libc.Failure($"listen {path}");
            }

            return new UnixListener(path, socket, FileStatus.Of(path, followLinks: false));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Connects to a listening path of any length. ENOENT and ECONNREFUSED mean that nobody listens;
    /// <see cref="TimeoutException"/> that the other side's queue stayed full.
    /// </summary>
    public static UnixConnection Connect(string path, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        using UnixAddress address = UnixAddress.OfPath(path);
        Deadline deadline = Deadline.After(timeout);
        SafeFileHandle socket = NewSocket();
        try
        {
            while (!TryConnect(socket, address, path))
            {
                if (deadline.IsOver)
                {
                    throw new TimeoutException($"{path} accepts no connection.");
                }

                cancellationToken.WaitHandle.WaitOne(ConnectRetry);
                cancellationToken.ThrowIfCancellationRequested();
            }

            Fds.SetNonBlocking(socket, on: false);
            return new UnixConnection(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Waits for a client. Raises <see cref="TimeoutException"/> or <see cref="OperationCanceledException"/>.</summary>
    public UnixConnection Accept(TimeSpan timeout, CancellationToken cancellationToken)
    {
        Deadline deadline = Deadline.After(timeout);
        while (true)
        {
            if (!Readiness.Wait(Handle, Libc.PollIn, deadline, cancellationToken))
            {
                throw new TimeoutException($"Nobody connected to {Path}.");
            }

            if (TryAccept() is { } connection)
            {
                return connection;
            }
        }
    }

    /// <summary>The client that waits, or null.</summary>
    public UnixConnection? TryAccept()
    {
        while (true)
        {
            SafeFileHandle socket = Libc.Accept(Handle, null, null, Libc.SockCloseOnExec);
            if (!socket.IsInvalid)
            {
                return new UnixConnection(socket);
            }

            int errno = Libc.LastError;
            socket.Dispose();
            switch (errno)
            {
                case Errno.EINTR: continue;
                case Errno.EAGAIN: return null;
                default: throw PlatformException.FromErrno($"accept {Path}", errno);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Handle.IsClosed)
        {
            return;
        }

        Handle.Dispose();
        if (_bound is not null && FileStatus.Of(Path, followLinks: false)?.IsSameFile(_bound) == true)
        {
            Libc.Unlink(Path); // fails only when somebody else removed it first
        }
    }

    private static SafeFileHandle NewSocket()
    {
        SafeFileHandle socket = Libc.Socket(Libc.AfUnix, Libc.SockStream | Libc.SockCloseOnExec | Libc.SockNonBlock, 0);
        return !socket.IsInvalid ? socket : throw Libc.Failure("socket");
    }

    private static bool TryBind(SafeFileHandle socket, UnixAddress address, string path)
    {
        fixed (byte* bytes = address.Bytes)
        {
            if (Libc.Bind(socket, bytes, (uint)address.Bytes.Length) == 0)
            {
                return true;
            }
        }

        return Libc.LastError == Errno.EADDRINUSE ? false : throw Libc.Failure($"bind {path}");
    }

    /// <summary>False while the queue is full.</summary>
    private static bool TryConnect(SafeFileHandle socket, UnixAddress address, string path)
    {
        fixed (byte* bytes = address.Bytes)
        {
            while (Libc.Connect(socket, bytes, (uint)address.Bytes.Length) != 0)
            {
                switch (Libc.LastError)
                {
                    case Errno.EINTR: continue;
                    case Errno.EAGAIN: return false;
                    default: throw Libc.Failure($"connect {path}");
                }
            }
        }

        return true;
    }

    private static void RemoveStale(string path)
    {
        if (FileStatus.Of(path, followLinks: false) is not { } present)
        {
            return; // it went away by itself
        }

        if (present.Type != FileType.Socket)
        {
            throw PlatformException.FromErrno($"bind {path}: not a socket", Errno.EADDRINUSE);
        }

        try
        {
            Connect(path, TimeSpan.Zero).Dispose();
        }
        catch (PlatformException refused) when (refused.Errno is Errno.ECONNREFUSED or Errno.ENOENT)
        {
            Libc.Unlink(path); // when this fails, the second bind says so
            return;
        }
        catch (TimeoutException)
        {
            // A full queue: somebody owns the socket, as if the connection had succeeded.
        }

        throw PlatformException.FromErrno($"bind {path}: another process listens", Errno.EADDRINUSE);
    }
}
