using Checkpointer.Engine.Containers;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>Namespaces: a plain tree lives in ours, or in those of the checkpointer-init that owns it.</summary>
internal static class NamespaceProbe
{
    private const string ContainersCome = "checkpoint its container (--container), or the process from inside its namespaces";

    public static void Run(InspectionDraft draft)
    {
        if (draft.Options.Container is { } container)
        {
            draft.Container = ContainerProbe.Run(draft, container);
            Nested(draft);
            return;
        }

        Place(draft, "pid", "pid-namespace");
        Place(draft, "mnt", "mount-namespace");
        Place(draft, "net", "network-namespace");
        Place(draft, "user", "user-namespace");
        Nested(draft);
        Rules(draft);
    }

    /// <summary>Namespaces that the tree may be in: ours and its owner's.</summary>
    internal static bool IsKnown(InspectionDraft draft, int pid, string kind)
    {
        ulong found = ProcLink.Namespace(pid, kind);
        return found == 0 // gone, which the final look at the root notices
            || found == ProcLink.Namespace(Environment.ProcessId, kind)
            || (draft.Options.OwnedBy is { } owner && kind is "pid" or "mnt" && found == OwnersNamespace(draft, kind));
    }

    private static ulong OwnersNamespace(InspectionDraft draft, string kind)
    {
        return draft.Options.OwnedBy is { } owner ? ProcLink.Namespace(owner, kind) : 0;
    }

    private static void Place(InspectionDraft draft, string kind, string code)
    {
        List<string> elsewhere = draft.Processes.Where(p => !IsKnown(draft, p.Info.Pid, kind)).Select(p => p.Info.Label).ToList();
        if (elsewhere.Count > 0)
        {
            draft.Blocker(code, InspectionDraft.Enumerate(elsewhere), $"it has a {code.Replace('-', ' ')} of its own", "the namespace that we run in", ContainersCome);
        }
    }

    // IPC, host name and cgroup namespaces of its own CRIU takes along, but only when the whole tree shares them.
    private static void Nested(InspectionDraft draft)
    {
        foreach (string kind in (string[])["ipc", "uts", "cgroup"])
        {
            ulong root = ProcLink.Namespace(draft.Tree.Root.Pid, kind);
            List<string> other = draft.Processes
                .Where(p => ProcLink.Namespace(p.Info.Pid, kind) is var found && found != 0 && found != root)
                .Select(p => p.Info.Label)
                .ToList();
            if (other.Count > 0)
            {
                draft.Blocker(kind + "-namespace-nested", InspectionDraft.Enumerate(other), $"it has another {kind} namespace than the root of the tree", "one for the whole tree",
                    "checkpoint that process alone");
            }
        }
    }

    // CRIU saves an own network namespace's rules by the size of a file, and a pipe has none: they would be lost in silence.
    private static void Rules(InspectionDraft draft)
    {
        int pid = draft.Tree.Root.Pid;
        ulong own = ProcLink.Namespace(pid, "net");
        if (own == 0 || own == ProcLink.Namespace(Environment.ProcessId, "net") || !Host.HasCapability("CAP_SYS_ADMIN"))
        {
            return;
        }

        IReadOnlyList<NftTable> tables = Nftables.ListTables(pid);
        if (tables.Count > 0)
        {
            draft.Blocker("nftables-in-network-namespace", $"network namespace of {draft.Tree.Root.Label}", $"{tables.Count} nftables tables", "none: they would be lost",
                "delete the rules before the checkpoint and set them again after the restore");
        }
    }
}
