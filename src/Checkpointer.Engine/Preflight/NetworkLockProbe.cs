using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>
/// What makes CRIU's network lock slow. For every connection its libnftables reads all tables of the network namespace anew, at some hundred kilobytes of memory and
/// half a millisecond of processor time each, and begins again when another CRIU changed one meanwhile: all that while the tree stands still.
/// </summary>
internal static class NetworkLockProbe
{
    /// <summary>More than a firewall has; locks of CRIUs that died accumulate.</summary>
    internal const int ManyTables = 16;

    private const string LockPrefix = "CRIU-";

    public static void Run(InspectionDraft draft)
    {
        if (!draft.TcpEstablished || !Host.HasCapability("CAP_NET_ADMIN") || !NamespaceProbe.IsKnown(draft, draft.Tree.Root.Pid, "net"))
        {
            return;
        }

        string? found;
        try
        {
            found = Judge(Nftables.ListTables());
        }
        catch (PlatformException)
        {
            return; // A note is not worth a refusal; CRIU tells what it cannot use.
        }

        if (found is not null)
        {
            draft.Note(
                "many-nftables-tables",
                $"network namespace of {draft.Tree.Root.Label}",
                found,
                "few: CRIU reads all of them for each connection while the processes stand still",
                "look at them with 'nft list tables'; while no CRIU runs, delete what dead ones left: nft delete table inet CRIU-...");
        }
    }

    /// <summary>What there is too much of; null when there is not.</summary>
    internal static string? Judge(IReadOnlyList<NftTable> tables) => tables.Count < ManyTables
        ? null
        : $"{tables.Count} nftables tables, {tables.Count(t => t.Name.StartsWith(LockPrefix, StringComparison.Ordinal))} of them network locks of CRIU";
}
