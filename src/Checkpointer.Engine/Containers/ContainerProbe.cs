using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>What an inspection finds of a container beyond its processes.</summary>
internal sealed record ContainerInspection(ContainerSubject Subject, MountPlan Mounts, bool OwnIpc, string? SecurityLabel)
{
    /// <summary>Its standard streams are a terminal that the runtime gave it.</summary>
    public bool Terminal { get; init; }

    /// <summary>The real user of the workload's root.</summary>
    public uint RootUser { get; init; }

    /// <summary>It lives in the node's own network.</summary>
    public bool NodeNetwork { get; init; }

    /// <summary>Keys of CRIU's <c>--external</c> at dump.</summary>
    public IEnumerable<string> ExternalKeys(int root) =>
    [
        .. Mounts.External.Select(static m => $"mnt[{m.Destination}]:{m.Key}"),
        $"net[{ProcLink.Namespace(root, "net")}]:{ContainerProbe.ExternalNetwork}",
    ];
}

/// <summary>Looks at the container around a tree: its namespaces, its mounts, its security module.</summary>
internal static class ContainerProbe
{
    /// <summary>CRIU's name for the network namespace, which is the placeholder's at restore.</summary>
    public const string ExternalNetwork = "extnet";

    private const string OneTree = "one namespace for the whole container";

    public static ContainerInspection Run(InspectionDraft draft, ContainerSubject subject)
    {
        var root = draft.Tree.Root;
        Paused(draft, root.Pid);
        Namespaces(draft, root.Pid);
        Network(draft, root.Pid);
        ContainerPids.Run(draft, subject);
        var mounts = MountPlan.Read(draft.Mounts, root.Pid, subject.Record.Volumes, NodeMounts.SharedMemory);
        Mounts(draft, mounts);
        var found = new ContainerInspection(subject, mounts, UsesSystemV(draft), LabelOf(root.Pid))
        {
            Terminal = IsTerminal(root.Pid),
            RootUser = root.Status.Uid,
            NodeNetwork = NodeNetwork.Has(root.Pid),
        };
        draft.External.AddRange([.. found.ExternalKeys(root.Pid), .. ContainerPids.ExternalKeys(root)]);
        return found;
    }

    /// <summary>The security module's label of a process; null where there is no module.</summary>
    public static string? LabelOf(int pid)
    {
        try
        {
            var text = ProcText.TryRead($"/proc/{pid}/attr/current")?.Trim('\0', '\n', ' ');
            return text is null or "" or "unconfined" or "kernel" ? null : text;
        }
        catch (IOException)
        {
            // No module is active: the kernel says EINVAL.
            return null;
        }
    }

    /// <summary>Whether a container's first process has a terminal for its input.</summary>
    public static bool IsTerminal(int pid) =>
        FileStatus.Of($"/proc/{pid}/fd/0") is { Type: FileType.CharacterDevice } status && Preflight.Terminal.IsTerminal(status.RepresentedDevice);

    /// <summary>Who paused it wants it so: a checkpoint would have to thaw it, and CRIU waits in vain for tasks that are frozen.</summary>
    private static void Paused(InspectionDraft draft, int root)
    {
        if (Cgroup.Of(root) is { IsFrozen: true } cgroup)
        {
            draft.Blocker(
                "container-paused", draft.Tree.Root.Label, $"it is paused: its cgroup {cgroup.Name} is frozen", "a container that runs",
                "resume it first (as it was paused: `ctr task resume`, `runc resume`, or by its cgroup)");
        }
    }

    private static void Network(InspectionDraft draft, int root)
    {
        if (NodeNetwork.IsElsewhere(root))
        {
            draft.Blocker(
                "network-of-node", draft.Tree.Root.Label, "it lives in the node's own network, and this service in another: CRIU would shut the node's as a whole while it dumps",
                "both in one network", "run the service in the node's network (hostNetwork: true), too");
        }
        else if (NodeNetwork.Has(root))
        {
            draft.Note(
                "network-of-node", draft.Tree.Root.Label, "it lives in the node's own network, where nothing is kept silent after its end", "nothing",
                "nothing: where a checkpoint ends it, a peer that sends before the restore is told by a reset, as one of a plain process is");
        }
    }

    private static void Namespaces(InspectionDraft draft, int root)
    {
        foreach (var (kind, what) in (ReadOnlySpan<(string, string)>)[("pid", "pid"), ("mnt", "mount"), ("net", "network"), ("user", "user")])
        {
            var own = ProcLink.Namespace(root, kind);
            List<string> other = [.. draft.Processes
                .Where(p => ProcLink.Namespace(p.Info.Pid, kind) is var found && found != 0 && found != own)
                .Select(static p => p.Info.Label)];
            if (other.Count > 0)
            {
                draft.Blocker(
                    $"{what}-namespace-nested", InspectionDraft.Enumerate(other), $"it has another {what} namespace than the root of its container", OneTree,
                    "stop what made it (a nested sandbox or container) before the checkpoint");
            }
        }

        if (ProcLink.Namespace(root, "user") != ProcLink.Namespace(Environment.ProcessId, "user"))
        {
            draft.Blocker("user-namespace", draft.Tree.Root.Label, "the container has a user namespace", "none: a restore cannot map its users yet", "run the pod with hostUsers: true");
        }

        if (ProcLink.Namespace(root, "mnt") == ProcLink.Namespace(Environment.ProcessId, "mnt"))
        {
            draft.Blocker("mount-namespace", draft.Tree.Root.Label, "it lives in the node's own mount namespace", "a container", "checkpoint it as a process, with --pid");
        }
    }

    private static void Mounts(InspectionDraft draft, MountPlan mounts)
    {
        if (mounts.RootNotCaptured is { } why)
        {
            draft.Overridable("rootfs-not-captured", draft.Tree.Root.Label, why, "an overlay whose upper directory can be read",
                "force it if the container changes no files of its image");
        }

        if (mounts.Lost.Count > 0)
        {
            draft.Blocker("mount-source-deleted", InspectionDraft.Enumerate([.. mounts.Lost]), "a part of /proc whose process has ended is mounted there",
                "a source that is there: such a mount cannot be restored", "unmount it in the container");
        }

        DeletedMounts.Run(draft, mounts);
        if (mounts.Uncovered.Count > 0)
        {
            draft.Note("mounts-not-captured", InspectionDraft.Enumerate([.. mounts.Uncovered]), "writable, and not the container's own: their contents are not in the snapshot",
                "the same contents where it is restored", "use volumes that the new pod gets too, or emptyDirs, which travel with the snapshot");
        }
    }

    /// <summary>Whether any of the tree has System V memory attached, or the namespace holds such objects that the tree made.</summary>
    private static bool UsesSystemV(InspectionDraft draft) =>
        draft.Processes.Any(static p => p.Mappings.Any(static m => m.IsDeleted && m.Path.StartsWith("/SYSV", StringComparison.Ordinal)))
        || IpcNamespace.HasSystemVObjects(draft.Tree.Root.Pid);
}
