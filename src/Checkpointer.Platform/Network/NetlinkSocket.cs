using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>A netfilter netlink socket in the calling thread's network namespace.</summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    internal const ushort TypeError = 2;
    internal const ushort TypeDone = 3;

    private const int NetlinkNetfilter = 12;

    /// <summary>The kernel fills dumps up to 32 KiB a datagram.</summary>
    private const int ReceiveBytes = 64 << 10;

    /// <summary>The kernel answers within the call that asks; only its internal lock can delay that.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    private readonly SafeFileHandle _socket;
    private readonly byte[] _buffer = new byte[ReceiveBytes];

    internal NetlinkSocket()
    {
        _socket = Libc.Socket(Libc.AfNetlink, Libc.SockRaw | Libc.SockCloseOnExec | Libc.SockNonBlock, NetlinkNetfilter);
        if (_socket.IsInvalid)
        {
            throw Libc.Failure("socket(NETLINK_NETFILTER)");
        }
    }

    public void Dispose() => _socket.Dispose();

    internal void Send(byte[] messages)
    {
        // An unconnected netlink socket sends to the kernel: pid 0.
        Span<byte> kernel = stackalloc byte[12]; // struct sockaddr_nl
        kernel.Clear();
        MemoryMarshal.Write(kernel, (ushort)Libc.AfNetlink);
        fixed (byte* to = kernel)
        fixed (byte* bytes = messages)
        {
            nint sent;
            do
            {
                sent = Libc.SendTo(_socket, bytes, (nuint)messages.Length, 0, to, (uint)kernel.Length);
            }
            while (sent < 0 && Libc.LastError == Errno.EINTR);

            if (sent < 0)
            {
                throw Libc.Failure("netlink send");
            }
        }
    }

    internal NetlinkReader Receive()
    {
        Deadline deadline = Deadline.After(AnswerTimeout);
        fixed (byte* start = _buffer)
        {
            while (true)
            {
                nint count = Libc.Receive(_socket, start, (nuint)_buffer.Length, Libc.MsgTruncated);
                if (count > _buffer.Length)
                {
                    throw new PlatformException("netlink-malformed", "The kernel's netlink answer is larger than it may be.");
                }

                if (count >= 0)
                {
                    return new NetlinkReader(_buffer.AsSpan(0, (int)count));
                }

                if (Libc.LastError is not (Errno.EINTR or Errno.EAGAIN))
                {
                    throw Libc.Failure("netlink receive");
                }

                if (!Readiness.Wait(_socket, Libc.PollIn, deadline, CancellationToken.None))
                {
                    throw new TimeoutException("The kernel does not answer on netlink.");
                }
            }
        }
    }

    /// <summary>The errno of an error message's body (0 for an acknowledgement).</summary>
    internal static int ErrnoOf(ReadOnlySpan<byte> body) => body.Length >= sizeof(int) ? -MemoryMarshal.Read<int>(body) : Errno.EIO;
}
