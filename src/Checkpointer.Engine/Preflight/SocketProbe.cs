using System.Net;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Preflight;

/// <summary>Sockets: families CRIU cannot dump, and connections whose peer is outside of the tree.</summary>
internal sealed class SocketProbe
{
    private readonly InspectionDraft _draft;
    private readonly Dictionary<ulong, OwnSocket> _sockets;

    private SocketProbe(InspectionDraft draft, Dictionary<ulong, OwnSocket> sockets)
    {
        _draft = draft;
        _sockets = sockets;
    }

    public static void Run(InspectionDraft draft)
    {
        Dictionary<ulong, OwnSocket> sockets = Collect(draft);
        if (sockets.Count == 0)
        {
            return;
        }

        SocketProbe probe = new(draft, sockets);
        probe.Kinds();
        probe.Tcp();
        probe.Udp();
        UnixSocketProbe.Run(draft, sockets);
    }

    private static Dictionary<ulong, OwnSocket> Collect(InspectionDraft draft)
    {
        Dictionary<ulong, OwnSocket> sockets = [];
        foreach (InspectedProcess process in draft.Processes.Where(p => p.Files.Any(f => f.Status.Type == FileType.Socket)))
        {
            using PidFd? handle = PidFd.Open(process.Info.Pid);
            foreach (ProcFd file in process.Files.Where(f => f.Status.Type == FileType.Socket))
            {
                if (file.InodeOf("socket") is not { } inode)
                {
                    continue;
                }

                if (!sockets.TryGetValue(inode, out OwnSocket? socket))
                {
                    socket = new OwnSocket(inode, handle is null ? null : KindOf(handle, file.Fd));
                    sockets[inode] = socket;
                }

                socket.Files.Add((process, file));
            }
        }

        return sockets;
    }

    private static SocketKind? KindOf(PidFd process, int fd)
    {
        try
        {
            using SafeFileHandle copy = process.DuplicateFd(fd);
            return SocketKind.Of(copy);
        }
        catch (PlatformException)
        {
            return null; // closed meanwhile, or not ours to take: CRIU will say what it thinks of it
        }
    }

    private void Kinds()
    {
        List<string> multipath = [];
        List<string> unknown = [];
        foreach (OwnSocket socket in _sockets.Values)
        {
            if (socket.Kind is not { } kind)
            {
                continue;
            }

            if (kind.Family is SocketKind.FamilyInet or SocketKind.FamilyInet6 && kind.Protocol == SocketKind.ProtocolMptcp)
            {
                multipath.Add(socket.Name);
            }
            else if (!IsKnown(kind))
            {
                unknown.Add($"{socket.Name}, family {kind.Family} protocol {kind.Protocol}");
            }
        }

        if (multipath.Count > 0)
        {
            _draft.Blocker("mptcp-socket", InspectionDraft.Enumerate(multipath), "an MPTCP socket", "plain TCP: CRIU cannot dump MPTCP",
                "restart the program without MPTCP (Go: GODEBUG=multipathtcp=0)");
        }

        if (unknown.Count > 0)
        {
            _draft.Blocker("unsupported-socket", InspectionDraft.Enumerate(unknown), "a socket that CRIU cannot dump", "unix, TCP, UDP, raw, packet or netlink sockets",
                "close it before the checkpoint");
        }
    }

    private static bool IsKnown(SocketKind kind)
    {
        const int Ip = 0, Icmp = 1, Tcp = 6, Udp = 17, Icmp6 = 58, UdpLite = 136;
        return kind.Family switch
        {
            SocketKind.FamilyUnix or SocketKind.FamilyNetlink or SocketKind.FamilyPacket => true,
            SocketKind.FamilyInet or SocketKind.FamilyInet6 => kind.Type == SocketKind.TypeRaw
                || (kind.Type is SocketKind.TypeStream or SocketKind.TypeDatagram && kind.Protocol is Ip or Icmp or Tcp or Udp or Icmp6 or UdpLite),
            _ => false,
        };
    }

    private void Tcp()
    {
        List<ProcInetSocket> own = ProcNet.ReadTcp(_draft.Tree.Root.Pid).Where(s => _sockets.ContainsKey(s.Inode)).ToList();
        foreach (ProcInetSocket listener in own.Where(s => s.State == TcpState.Listen))
        {
            _draft.Listening.Add(new ListeningAddress("tcp", Plain(listener.Local).ToString()));
            if (listener.ReceiveQueue > 0)
            {
                _draft.SkipInFlight = true;
                _draft.Overridable("connection-in-flight", $"listener {listener.Local}", $"{listener.ReceiveQueue} connections wait to be accepted", "none: they would be dropped",
                    "try again in a moment, or force it");
            }
        }

        List<ProcInetSocket> connected = own.Where(s => s.IsConnected).ToList();
        if (connected.Count == 0)
        {
            return;
        }

        _draft.TcpEstablished = true;
        HashSet<(string, string)> ends = [.. connected.Select(s => (Plain(s.Local).ToString(), Plain(s.Remote).ToString()))];
        foreach ((string local, string remote) in ends.Order())
        {
            _draft.Connections.Add(new TcpConnection(local, remote, ends.Contains((remote, local))));
        }

        List<string> outside = _draft.Connections.Where(c => !c.PeerInside).Select(c => $"{c.Local} to {c.Remote}").ToList();
        if (outside.Count > 0)
        {
            _draft.Note("tcp-peer-outside", InspectionDraft.Enumerate(outside), "a connection to a program outside of the tree", "nothing",
                "it goes on only where its own address exists and before the peer gives up; elsewhere it comes back closed");
        }
    }

    private void Udp()
    {
        foreach (ProcInetSocket socket in ProcNet.ReadUdp(_draft.Tree.Root.Pid).Where(s => _sockets.ContainsKey(s.Inode) && s.Local.Port != 0))
        {
            _draft.Listening.Add(new ListeningAddress("udp", Plain(socket.Local).ToString()));
        }
    }

    // A dual-stack listener's end of a connection reads ::ffff:127.0.0.1, the client's end 127.0.0.1.
    private static IPEndPoint Plain(IPEndPoint end)
    {
        return end.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(end.Address.MapToIPv4(), end.Port) : end;
    }
}

/// <summary>A socket of the tree.</summary>
internal sealed record OwnSocket(ulong Inode, SocketKind? Kind)
{
    public List<(InspectedProcess Process, ProcFd File)> Files { get; } = [];

    public string Name => $"socket:[{Inode}] ({InspectionDraft.Name(Files[0].Process, Files[0].File)})";
}
