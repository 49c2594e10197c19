using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Checkpointer.Node;

/// <summary>
/// Who opened a connection, as the kernel recorded it at connect time (SO_PEERCRED), translated into our namespaces:
/// <see cref="Pid"/> is 0 when the caller's pid namespace is not ours or below ours, and <see cref="Uid"/> is the overflow uid
/// (65534) when its user is not mapped here.
/// </summary>
internal sealed record PeerIdentity(int Pid, uint Uid, uint Gid)
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;
    private const int UcredSize = 12;

    public static PeerIdentity Of(Socket socket)
    {
        Span<byte> ucred = stackalloc byte[UcredSize];
        var length = socket.GetRawSocketOption(SolSocket, SoPeerCred, ucred);
        if (length != UcredSize)
        {
            throw new HostException("peer-credentials", $"The kernel gave {length} bytes of peer credentials, not {UcredSize}.");
        }

        var numbers = MemoryMarshal.Cast<byte, uint>(ucred);
        return new PeerIdentity((int)numbers[0], numbers[1], numbers[2]);
    }
}
