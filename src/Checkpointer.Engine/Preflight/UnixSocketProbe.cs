using System.Globalization;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>Unix sockets whose peer is outside of the tree.</summary>
internal static class UnixSocketProbe
{
    public static void Run(InspectionDraft draft, IReadOnlyDictionary<ulong, OwnSocket> sockets)
    {
        List<OwnSocket> own = sockets.Values.Where(s => s.Kind is { Family: SocketKind.FamilyUnix }).ToList();
        if (own.Count == 0)
        {
            return;
        }

        IReadOnlyDictionary<ulong, ulong> peers = ReadPeers(draft.Tree.Root.Pid);
        Dictionary<ulong, string> names = [];
        foreach (ProcUnixSocket socket in ProcNet.ReadUnix(draft.Tree.Root.Pid))
        {
            names[socket.Inode] = socket.Path;
        }

        List<string> services = [];
        foreach (OwnSocket socket in own)
        {
            if (!peers.TryGetValue(socket.Inode, out ulong peer) || peer == 0 || sockets.ContainsKey(peer))
            {
                continue;
            }

            string name = names.GetValueOrDefault(peer) is { Length: > 0 } known ? known : names.GetValueOrDefault(socket.Inode) ?? "";
            if (socket.Kind is { Type: SocketKind.TypeDatagram } && names.GetValueOrDefault(peer) is { Length: > 0 })
            {
                // A datagram socket keeps no state of its peer: it is connected again, by name.
                draft.ExtUnixSk = true;
                services.Add($"{name} ({InspectionDraft.Name(socket.Files[0].Process, socket.Files[0].File)})");
                continue;
            }

            AddConnection(draft, socket, name);
        }

        if (services.Count > 0)
        {
            draft.Note("unix-service", InspectionDraft.Enumerate(services), "a datagram socket is connected to a service outside of the tree", "the same service where it is restored",
                "start that service before the restore");
        }
    }

    private static void AddConnection(InspectionDraft draft, OwnSocket socket, string name)
    {
        string inode = socket.Inode.ToString(CultureInfo.InvariantCulture);
        draft.External.Add($"unix[{inode}]");
        draft.ExtUnixSk = true;
        StdioEnd end = new()
        {
            Kind = StdioKind.UnixSocket,
            Direction = StdioDirection.Both,
            Key = $"socket:[{inode}]",
            Descriptors = StdioProbe.References(socket.Files),
            Description = name.Length > 0 ? $"socket:[{inode}] to {name}" : $"socket:[{inode}]",
        };
        StdioProbe.AddEnd(draft, end, "unix-peer-outside", "the other end of this unix connection is outside of the tree");
    }

    /// <summary>Every connected unix socket of the network namespace of a process, with its peer.</summary>
    internal static IReadOnlyDictionary<ulong, ulong> ReadPeers(int pid)
    {
        bool elsewhere = ProcLink.Namespace(pid, "net") != ProcLink.Namespace(Environment.ProcessId, "net");
        return elsewhere ? NetNamespace.Run(pid, UnixSocketPeers.Read) : UnixSocketPeers.Read();
    }
}
