using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// The repair mode in which CRIU puts TCP sockets while it dumps them; a socket that is left in it cannot send. Needs
/// CAP_NET_ADMIN in the socket's network namespace.
/// </summary>
public static unsafe class TcpRepair
{
    private const int ProtocolTcp = 6;
    private const int OptionRepair = 19;
    private const int On = 1;
    private const int Off = 0; // with a window probe, so that a peer which waited goes on at once

    /// <summary>True in repair mode. False for anything that is not a TCP socket.</summary>
    public static bool IsOn(SafeFileHandle socket)
    {
        int value = 0;
        uint length = sizeof(int);
        if (Libc.GetSocketOption(socket, ProtocolTcp, OptionRepair, &value, &length) == 0)
        {
            return value > 0;
        }

        return Libc.LastError is Errno.ENOTSOCK or Errno.ENOPROTOOPT or Errno.EOPNOTSUPP
            ? false
            : throw Libc.Failure("getsockopt(TCP_REPAIR)");
    }

    /// <summary>Begins repair mode: nothing is sent, not even a farewell when the socket is closed.</summary>
    public static void Set(SafeFileHandle socket) => Change(socket, On);

    /// <summary>Ends repair mode; harmless on a TCP socket that is not in it.</summary>
    public static void Clear(SafeFileHandle socket) => Change(socket, Off);

    private static void Change(SafeFileHandle socket, int value)
    {
        if (Libc.SetSocketOption(socket, ProtocolTcp, OptionRepair, &value, sizeof(int)) != 0)
        {
            throw Libc.Failure("setsockopt(TCP_REPAIR)");
        }
    }
}
