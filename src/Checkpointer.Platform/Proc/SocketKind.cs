using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>Family, type and protocol of a socket, as the kernel numbers them.</summary>
public readonly partial record struct SocketKind(int Family, int Type, int Protocol)
{
    public const int FamilyUnix = 1;
    public const int FamilyInet = 2;
    public const int FamilyInet6 = 10;
    public const int FamilyNetlink = 16;
    public const int FamilyPacket = 17;
    public const int TypeStream = 1;
    public const int TypeDatagram = 2;
    public const int TypeRaw = 3;
    public const int ProtocolMptcp = 262;

    private const int SocketLevel = 1;
    private const int OptionType = 3;
    private const int OptionProtocol = 38;
    private const int OptionDomain = 39;

    /// <summary>Asks a socket, or null when it is none.</summary>
    public static SocketKind? Of(SafeFileHandle socket)
    {
        return Get(socket, OptionDomain) is { } family && Get(socket, OptionType) is { } type && Get(socket, OptionProtocol) is { } protocol
            ? new SocketKind(family, type, protocol)
            : null;
    }

    private static int? Get(SafeFileHandle socket, int option)
    {
        int length = sizeof(int);
        return GetSocketOption(socket, SocketLevel, option, out int value, ref length) == 0 ? value : null;
    }

    [LibraryImport("libc", EntryPoint = "getsockopt")]
    private static partial int GetSocketOption(SafeFileHandle socket, int level, int option, out int value, ref int length);
}
