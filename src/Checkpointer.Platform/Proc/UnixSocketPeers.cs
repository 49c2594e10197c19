using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>Asks the kernel (sock_diag) which unix sockets are connected to each other; /proc does not show it.</summary>
public static partial class UnixSocketPeers
{
    private const int FamilyNetlink = 16;
    private const int RawCloseOnExec = 3 | 0x80000; // SOCK_RAW | SOCK_CLOEXEC
    private const int SockDiag = 4;                 // NETLINK_SOCK_DIAG
    private const int SocketLevel = 1;
    private const int ReceiveTimeoutOption = 20;    // SO_RCVTIMEO
    private const int AnswerTimeoutSeconds = 10;
    private const int HeaderBytes = 16;
    private const int RequestBytes = HeaderBytes + 24;
    private const int AnswerHeaderBytes = 16;
    private const int BufferBytes = 64 << 10;
    private const int Interrupted = 4; // EINTR
    private const ushort SockDiagByFamily = 20;
    private const ushort RequestDump = 0x301;
    private const ushort MessageError = 2;
    private const ushort MessageDone = 3;
    private const ushort PeerAttribute = 2;
    private const uint ShowPeer = 4;

    /// <summary>Peer inode by socket inode, of the network namespace that the calling thread is in. Unconnected sockets are absent.</summary>
    /// <exception cref="PlatformException">The kernel refused.</exception>
    public static IReadOnlyDictionary<ulong, ulong> Read()
    {
        using SafeFileHandle socket = Socket(FamilyNetlink, RawCloseOnExec, SockDiag);
        if (socket.IsInvalid)
        {
            throw PlatformException.FromErrno("socket(NETLINK_SOCK_DIAG)", Marshal.GetLastPInvokeError());
        }

        Span<long> timeout = [AnswerTimeoutSeconds, 0];
        SetSocketOption(socket, SocketLevel, ReceiveTimeoutOption, MemoryMarshal.AsBytes(timeout), sizeof(long) * 2);
        byte[] request = Request();
        if (Send(socket, request, request.Length, 0) < 0)
        {
            throw PlatformException.FromErrno("send(sock_diag)", Marshal.GetLastPInvokeError());
        }

        Dictionary<ulong, ulong> peers = [];
        byte[] buffer = new byte[BufferBytes];
        while (true)
        {
            nint length = Receive(socket, buffer, buffer.Length, 0);
            if (length < 0)
            {
                int error = Marshal.GetLastPInvokeError();
                if (error == Interrupted)
                {
                    continue;
                }

                throw PlatformException.FromErrno("recv(sock_diag)", error);
            }

            if (Parse(buffer.AsSpan(0, (int)length), peers))
            {
                return peers;
            }
        }
    }

    /// <summary>Takes the peers from one buffer of netlink messages; true when the dump is complete.</summary>
    /// <exception cref="PlatformException">The kernel answered with an error.</exception>
    internal static bool Parse(ReadOnlySpan<byte> messages, Dictionary<ulong, ulong> peers)
    {
        while (messages.Length >= HeaderBytes)
        {
            int length = (int)BinaryPrimitives.ReadUInt32LittleEndian(messages);
            ushort type = BinaryPrimitives.ReadUInt16LittleEndian(messages[4..]);
            if (length < HeaderBytes || length > messages.Length)
            {
                return true;
            }

            ReadOnlySpan<byte> body = messages[HeaderBytes..length];
            switch (type)
            {
                case MessageDone:
                    return true;
                case MessageError:
                    throw PlatformException.FromErrno("sock_diag", body.Length >= 4 ? -BinaryPrimitives.ReadInt32LittleEndian(body) : 0);
                case SockDiagByFamily when body.Length >= AnswerHeaderBytes:
                    AddPeer(BinaryPrimitives.ReadUInt32LittleEndian(body[4..]), body[AnswerHeaderBytes..], peers);
                    break;
                default:
                    break;
            }

            messages = messages[Math.Min(Align(length), messages.Length)..];
        }

        return false;
    }

    private static void AddPeer(uint inode, ReadOnlySpan<byte> attributes, Dictionary<ulong, ulong> peers)
    {
        while (attributes.Length >= 4)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(attributes);
            if (length < 4 || length > attributes.Length)
            {
                return;
            }

            if (BinaryPrimitives.ReadUInt16LittleEndian(attributes[2..]) == PeerAttribute && length >= 8)
            {
                peers[inode] = BinaryPrimitives.ReadUInt32LittleEndian(attributes[4..]);
            }

            attributes = attributes[Math.Min(Align(length), attributes.Length)..];
        }
    }

    private static byte[] Request()
    {
        byte[] request = new byte[RequestBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(request, RequestBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(4), SockDiagByFamily);
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(6), RequestDump);
        request[HeaderBytes] = 1; // AF_UNIX
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(HeaderBytes + 4), uint.MaxValue); // every state
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(HeaderBytes + 12), ShowPeer);
        return request;
    }

    private static int Align(int length)
    {
        return (length + 3) & ~3;
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial SafeFileHandle Socket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetSocketOption(SafeFileHandle socket, int level, int option, Span<byte> value, int length);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint Send(SafeFileHandle socket, [In] byte[] bytes, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint Receive(SafeFileHandle socket, [Out] byte[] bytes, nint length, int flags);
}
