using System.Net;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Engine.Restoring;

/// <summary>
/// Keeps the connections of a pod's containers silent while these are restored. A connection between two of them comes back one end after the other; what
/// the first end sends meanwhile (CRIU hands it data that had not been sent yet) would be answered with a reset by a kernel that
/// does not know the other end yet. Unheard, it is sent again. Everything else is heard: other containers of the pod, and, where the pod has the
/// node's network, the node.
/// </summary>
internal sealed class PodSilence : IDisposable
{
    private const string Prefix = "checkpointer-";

    private readonly string _operation;
    private readonly NftTable _table;
    private readonly int _init;
    private readonly IReadOnlyList<(IPEndPoint Local, IPEndPoint Remote)> _connections;
    private readonly ILogger _logger;

    /// <summary>The network, also when the containers in it have ended: that of a node stays.</summary>
    private Microsoft.Win32.SafeHandles.SafeFileHandle? _network;

    /// <param name="operation">Gives the table its name.</param>
    /// <param name="init">A process in the pod's network namespace.</param>
    /// <param name="connections">Those that are about to be restored.</param>
    /// <param name="logger">For the log.</param>
    public PodSilence(string operation, int init, IEnumerable<TcpConnection> connections, ILogger logger)
    {
        _operation = operation;
        _table = TableOf(operation);
        _init = init;
        _connections = [.. Ends(connections).Distinct()];
        _logger = logger;
    }

    internal static NftTable TableOf(string operation) => new(NftFamily.Inet, Prefix + operation);

    /// <summary>Written down first: a recovery ends it, too. Does nothing where there is no connection.</summary>
    /// <exception cref="PlatformException">The kernel refuses.</exception>
    public void Begin(OpenJournalEntry journal)
    {
        if (_connections.Count == 0)
        {
            return;
        }

        _network = NetNamespace.Open(_init);
        journal.Update(entry => entry with { NetworkTable = _table.Name });
        Nftables.Silence(_table, _connections, _network);
    }

    /// <summary>Their packets arrive again. Safe at any time.</summary>
    public void End()
    {
        if (_network is { } network)
        {
            Nftables.DeleteTable(_table, network);
            Dispose();
        }
    }

    /// <summary>As <see cref="End"/>, where something else went wrong already. Never throws.</summary>
    public void TryEnd()
    {
        try
        {
            End();
        }
        catch (PlatformException e)
        {
            EngineLog.CleanupFailed(_logger, e, _operation, "the silence of the pod's connections");
        }
    }

    public void Dispose()
    {
        _network?.Dispose();
        _network = null;
    }

    /// <summary>
    /// Ends that of an operation whose engine died: in its containers' network, and in the node's, which is there when they are not. The name is
    /// of this operation alone; one that is none of ours is left alone.
    /// </summary>
    public static void EndOf(JournalEntry entry, ILogger logger)
    {
        var table = TableOf(entry.Operation);
        if (entry.NetworkTable != table.Name)
        {
            return;
        }

        List<int?> places = [null, NodeNetwork.Init];
        places.AddRange(entry.Parts.Select(static p => p.Container).OfType<JournalContainer>().Select(ContainerEnding.Find).OfType<ProcessIdentity>().Select(static i => (int?)i.Pid));
        foreach (var place in places)
        {
            try
            {
                Nftables.DeleteTable(table, place);
            }
            catch (PlatformException e)
            {
                EngineLog.CleanupFailed(logger, e, entry.Operation, "the silence of the pod's connections");
            }
        }
    }

    private static IEnumerable<(IPEndPoint Local, IPEndPoint Remote)> Ends(IEnumerable<TcpConnection> connections)
    {
        foreach (var connection in connections)
        {
            if (IPEndPoint.TryParse(connection.Local, out var local) && IPEndPoint.TryParse(connection.Remote, out var remote)
                && local.AddressFamily == remote.AddressFamily)
            {
                yield return (local, remote);
            }
        }
    }
}
