using Checkpointer.Engine.Journal;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Engine.Restoring;

/// <summary>
/// Keeps a pod's network deaf while its containers are restored. A connection between two of them comes back one end after the other; what
/// the first end sends meanwhile (CRIU hands it data that had not been sent yet) would be answered with a reset by a kernel that
/// does not know the other end yet. Unheard, it is sent again.
/// </summary>
/// <param name="operation">Gives the table its name.</param>
/// <param name="init">A process in the pod's network namespace.</param>
/// <param name="logger">For the log.</param>
internal sealed class PodSilence(string operation, int init, ILogger logger)
{
    private const string Prefix = "checkpointer-";

    private readonly NftTable _table = new(NftFamily.Inet, Prefix + operation);

    private bool _begun;

    /// <summary>Written down first: a recovery ends it, too.</summary>
    /// <exception cref="PlatformException">The kernel refuses.</exception>
    public void Begin(OpenJournalEntry journal)
    {
        journal.Update(entry => entry with { NetworkTable = _table.Name });
        _begun = true;
        Nftables.Deafen(_table, init);
    }

    /// <summary>Packets arrive again. Safe at any time.</summary>
    public void End()
    {
        if (_begun)
        {
            Nftables.DeleteTable(_table, init);
            _begun = false;
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
            // The container is gone, and with it perhaps the namespace.
            EngineLog.CleanupFailed(logger, e, operation, "the silence of the pod's network");
        }
    }

    /// <summary>Ends that of an operation whose engine died. A name that is none of ours is left alone.</summary>
    public static void EndOf(JournalEntry entry, ILogger logger)
    {
        if (entry.NetworkTable != Prefix + entry.Operation)
        {
            return;
        }

        foreach (var container in entry.Parts.Select(static p => p.Container).OfType<JournalContainer>())
        {
            if (Containers.ContainerEnding.Find(container) is { } init)
            {
                new PodSilence(entry.Operation, init.Pid, logger) { _begun = true }.TryEnd();
                return;
            }
        }
    }
}
