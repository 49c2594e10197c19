using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// One unix stream connection with exact reads: never more bytes are taken than asked for, because a byte that
/// carries an fd must be received as such. One reader and one writer at a time.
/// </summary>
public sealed unsafe partial class UnixConnection : IDisposable
{
    internal UnixConnection(SafeFileHandle handle)
    {
        Handle = handle;
    }

    /// <summary>The socket; blocking unless the owner changes it (both ways work here).</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>The longest that one call waits for the peer; then <see cref="TimeoutException"/>. Infinite by default.</summary>
    public TimeSpan Timeout { get; set; } = System.Threading.Timeout.InfiniteTimeSpan;

    /// <summary>Ends the waits of this connection's calls with <see cref="OperationCanceledException"/>.</summary>
    public CancellationToken Cancellation { get; set; }

    /// <summary>The process at the other end when it connected (for a pair: this process).</summary>
    public PeerCredentials Peer
    {
        get
        {
            PeerCredentials peer = default;
            uint length = (uint)sizeof(PeerCredentials);
            return Libc.GetSocketOption(Handle, Libc.SolSocket, Libc.SoPeerCredentials, &peer, &length) == 0
                ? peer
                : throw Libc.Failure("getsockopt(SO_PEERCRED)");
        }
    }

    /// <summary>Two connections to each other.</summary>
    public static (UnixConnection First, UnixConnection Second) Pair()
    {
        int* fds = stackalloc int[2];
        if (Libc.SocketPair(Libc.AfUnix, Libc.SockStream | Libc.SockCloseOnExec, 0, fds) != 0)
        {
            throw Libc.Failure("socketpair");
        }

        return (new UnixConnection(new SafeFileHandle(fds[0], true)), new UnixConnection(new SafeFileHandle(fds[1], true)));
    }

    /// <summary>
    /// Fills the buffer. False when the peer closed before the first byte; closed later is
    /// <see cref="PlatformException"/> with code <c>connection-closed</c>.
    /// </summary>
    public bool ReadExactly(Span<byte> buffer)
    {
        Deadline deadline = Deadline.After(Timeout);
        int filled = 0;
        while (filled < buffer.Length)
        {
            int count = Read(buffer[filled..], deadline);
            if (count == 0)
            {
                return filled == 0 ? false : throw Closed($"after {filled} of {buffer.Length} bytes");
            }

            filled += count;
        }

        return true;
    }

    /// <summary>Reads what is there, at most the buffer, and waits for the first byte. 0: the peer closed.</summary>
    public int Read(Span<byte> buffer) => Read(buffer, Deadline.After(Timeout));

    /// <summary>Writes all bytes.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        Deadline deadline = Deadline.After(Timeout);
        fixed (byte* start = bytes)
        {
            int written = 0;
            while (written < bytes.Length)
            {
                nint count = Libc.Send(
                    Handle, start + written, (nuint)(bytes.Length - written), Libc.MsgDontWait | Libc.MsgNoSignal);
                if (count >= 0)
                {
                    written += (int)count;
                }
                else
                {
                    WaitOrThrow("send", Libc.PollOut, deadline);
                }
            }
        }
    }

    /// <summary>Ends both directions: a call under way on another thread returns, the peer reads the end.</summary>
    public void Shutdown()
    {
        if (Libc.Shutdown(Handle, Libc.ShutdownBoth) != 0 && Libc.LastError != Errno.ENOTCONN)
        {
            throw Libc.Failure("shutdown");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();

    private static PlatformException Closed(string when) => new("connection-closed", $"The peer closed the connection {when}.");

    private int Read(Span<byte> buffer, Deadline deadline)
    {
        fixed (byte* start = buffer)
        {
            while (true)
            {
                nint count = Libc.Receive(Handle, start, (nuint)buffer.Length, Libc.MsgDontWait);
                if (count >= 0)
                {
                    return (int)count;
                }

                WaitOrThrow("recv", Libc.PollIn, deadline);
            }
        }
    }

    /// <summary>After a failed call: waits where that can help, else raises.</summary>
    private void WaitOrThrow(string call, short events, Deadline deadline)
    {
        switch (Libc.LastError)
        {
            case Errno.EINTR:
                break;
            case Errno.EAGAIN:
                if (!Readiness.Wait(Handle, events, deadline, Cancellation))
                {
                    throw new TimeoutException($"The peer kept {call} waiting for {Durations.Format(Timeout)}.");
                }

                break;
            default:
                throw Libc.Failure(call);
        }
    }
}
