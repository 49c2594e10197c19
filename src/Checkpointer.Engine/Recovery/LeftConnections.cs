using System.Net;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Engine.Recovery;

/// <summary>
/// What a container that a checkpoint ended leaves in its pod's network: nothing but connections whose peers do not know of it. A peer that
/// sends would be answered with a reset, by a kernel that has no socket for it any more, and its end would be lost before the tree can be
/// restored where its address is then. CRIU's lock prevents that, but it shuts the whole pod: its other containers, and the one that the cluster
/// starts in place of this one. So CRIU's lock goes with the tree, and a table of ours stays, which drops what arrives for just these
/// connections. It is made while the tree stands still, so none is missing, and it ends with the pod; or when the tree is restored into that
/// very pod; or when the tree lives on. The price: a peer that gives up waits until its own time is over; and until the pod ends, a peer cannot
/// use the port again from which it had such a connection.
/// A connection with both ends in what is dumped needs none of this. Plain trees are in the node's own network, which no pod ends: there
/// nothing is left behind (and peers are told by a reset).
/// </summary>
internal static class LeftConnections
{
    private const string Prefix = "checkpointer-left-";

    public static NftTable TableOf(string operation) => new(NftFamily.Inet, Prefix + operation);

    /// <summary>The trees are frozen, and about to be ended.</summary>
    /// <param name="operation">Gives the table its name.</param>
    /// <param name="roots">Of the trees, all in one network namespace; none: nothing is done.</param>
    /// <exception cref="PlatformException">The kernel refuses.</exception>
    public static void Silence(string operation, IReadOnlyList<int> roots)
    {
        if (roots.Count > 0 && Outside(roots) is { Count: > 0 } connections)
        {
            Nftables.Silence(TableOf(operation), connections, roots[0]);
        }
    }

    /// <summary>The trees of a checkpoint are there again: their connections are heard. Never throws.</summary>
    /// <param name="operation">The checkpoint; null in old snapshots, which left nothing.</param>
    /// <param name="pid">A process in the network namespace that they were restored into; null for a plain tree.</param>
    /// <param name="logger">For the log.</param>
    public static void TryEnd(string? operation, int? pid, ILogger logger)
    {
        if (operation is null || pid is not { } there)
        {
            return;
        }

        try
        {
            Nftables.DeleteTable(TableOf(operation), there);
        }
        catch (PlatformException e)
        {
            EngineLog.CleanupFailed(logger, e, operation, "the silence of connections that were left");
        }
    }

    /// <summary>The trees' connections whose other end is not among them.</summary>
    private static List<(IPEndPoint Local, IPEndPoint Remote)> Outside(IReadOnlyList<int> roots)
    {
        HashSet<ulong> own = [.. roots
            .SelectMany(static r => ProcessTree.Read(r)?.Processes ?? [])
            .SelectMany(static p => TaskState.Sockets(p.Pid)).Select(static s => s.Inode)];
        HashSet<(IPEndPoint Local, IPEndPoint Remote)> ends = [.. ProcNet.ReadTcp(roots[0])
            .Where(s => s.IsConnected && own.Contains(s.Inode)).Select(static s => (Plain(s.Local), Plain(s.Remote)))];
        return [.. ends.Where(e => !ends.Contains((e.Remote, e.Local)))];
    }

    /// <summary>Packets of a dual-stack socket's connection are of the older family.</summary>
    private static IPEndPoint Plain(IPEndPoint end) => end.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(end.Address.MapToIPv4(), end.Port) : end;
}
