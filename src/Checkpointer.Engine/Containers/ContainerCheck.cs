using System.Globalization;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>Compares a placeholder with what a container's snapshot needs. Touches nothing.</summary>
internal static class ContainerCheck
{
    /// <param name="part">From the manifest.</param>
    /// <param name="requirement">Likewise.</param>
    /// <param name="target">The placeholder.</param>
    /// <param name="findings">What speaks against it.</param>
    public static void Run(ContainerPart part, Requirement requirement, ContainerTarget target, FindingList findings)
    {
        Image(part, target, findings);
        Mounts(part, ProcMountInfo.ReadAll(target.Init.Pid), findings);
        Place(part, target.Init.Pid, findings);
        if (ProcStatus.Read(target.Init.Pid) is { } hold)
        {
            Signals(part, hold, findings);
        }

        Memory(requirement, target.Init.Pid, findings);
    }

    /// <summary>
    /// Where the tree goes. Files of the image and files that travel need no look: the image is compared as a whole. Only what lies on
    /// mounts that did not travel must be there.
    /// </summary>
    public static RestoreTarget PlaceOf(ContainerPart part, Requirement requirement, ContainerTarget target)
    {
        var sameImage = part.Record.ImageDigest is not null && part.Record.ImageDigest == target.Record.ImageDigest;
        bool IsCarried(string path, bool mapped) =>
            !part.Uncovered.Exists(u => path == u || path.StartsWith(u.TrimEnd('/') + "/", StringComparison.Ordinal)) && (sameImage || !mapped);
        return new RestoreTarget
        {
            Root = target.Root,
            NetworkOf = target.Init.Pid,
            ClosesConnections = true,
            Carried = requirement.MappedFiles.Where(f => IsCarried(f.Path, mapped: true)).Select(static f => f.Path)
                .Concat(requirement.OpenFiles.Where(f => IsCarried(f.Path, mapped: false)).Select(static f => f.Path))
                .Concat(requirement.Directories.Where(d => IsCarried(d, mapped: false)))
                .ToHashSet(StringComparer.Ordinal),
        };
    }

    private static void Image(ContainerPart part, ContainerTarget target, FindingList findings)
    {
        var (there, here) = (part.Record.ImageDigest, target.Record.ImageDigest);
        if (there is not null && here is not null && there != here)
        {
            findings.Overridable(
                "image-differs", "image", $"{target.Record.Image} ({here})", $"{part.Record.Image} ({there})",
                "use the same image, by its digest, in the new container, or force it: files that the workload maps must be the same");
        }
    }

    internal static void Mounts(ContainerPart part, IReadOnlyList<ProcMountInfo> mounts, FindingList findings)
    {
        Dictionary<string, ProcMountInfo> here = [];
        foreach (var mount in mounts)
        {
            here[mount.MountPoint] = mount;
        }

        List<string> missing = [.. part.Mounts.Where(m => !here.ContainsKey(m.Destination)).Select(static m => m.Destination)];
        if (missing.Count > 0)
        {
            findings.Blocker(
                "mount-missing", FindingList.Enumerate(missing), "the new container has no such mount", "a mount at the same place",
                "give the new container the same volume mounts (and the same privileges)");
        }

        List<string> deleted = [.. part.Mounts.Where(m => here.TryGetValue(m.Destination, out var mount) && mount.IsDeleted).Select(static m => m.Destination)];
        if (deleted.Count > 0)
        {
            // The kernel lets no copy of such a mount be attached anywhere.
            findings.Blocker(
                "mount-source-deleted", FindingList.Enumerate(deleted), "its source was deleted on the node, or replaced by another file of the same name, since the new container was started",
                "a source that is there", "start the new container again: it then gets what is there now");
        }

        List<string> closed = [.. part.Mounts
            .Where(m => m is { ReadOnly: false, Runtime: false } && here.TryGetValue(m.Destination, out var mount) && IsReadOnly(mount))
            .Select(static m => m.Destination)];
        if (closed.Count > 0)
        {
            findings.Overridable(
                "mount-read-only", FindingList.Enumerate(closed), "read-only in the new container", "writable, as it was", "mount it writable, or force it if nothing is written there");
        }

        if (part.FileTrees.Exists(static t => t.MountPoint == "/" && t.Entries > 0) && here.TryGetValue("/", out var root) && IsReadOnly(root))
        {
            findings.Overridable(
                "root-read-only", "root file system", "read-only in the new container", "writable: the workload changed files in it",
                "start the new container without readOnlyRootFilesystem");
        }
    }

    private static bool IsReadOnly(ProcMountInfo mount) => mount.Options.Split(',').Contains("ro", StringComparer.Ordinal);

    private static void Place(ContainerPart part, int init, FindingList findings)
    {
        if (part.Terminal && !ContainerProbe.IsTerminal(init))
        {
            findings.Blocker("terminal-missing", "terminal", "the new container has none", "a terminal, as the workload had", "start the new container with a tty");
        }

        Network(part, NodeNetwork.Has(init), findings);
        if (ProcLink.Namespace(init, "user") != ProcLink.Namespace(Environment.ProcessId, "user"))
        {
            findings.Blocker("user-namespace", "user namespace", "the new container has one", "none", "run the pod with hostUsers: true");
        }

        if (part.SecurityLabel != ContainerProbe.LabelOf(init))
        {
            findings.Overridable(
                "security-label-differs", "security module", ContainerProbe.LabelOf(init) ?? "no label", part.SecurityLabel ?? "no label",
                "start the new container with the same profile, or force it");
        }

        if (part.OwnIpc)
        {
            findings.Note(
                "ipc-namespace-own", "System V IPC", "the workload uses System V shared memory, semaphores or queues", "nothing",
                "nothing: it gets an IPC namespace of its own, in which other containers of the pod do not see them");
        }
    }

    /// <summary>A tree of the node's network comes back in that of CRIU; one of a pod's in its placeholder's.</summary>
    internal static void Network(ContainerPart part, bool nodes, FindingList findings)
    {
        var was = part.NodeNetwork ?? part.Record.Template?.NetworkMode == "node";
        if (was && !nodes)
        {
            findings.Blocker(
                "network-differs", "network", "the new container has its pod's", "the node's own, as the workload had", "run the new pod with hostNetwork: true");
        }
        else if (nodes && !was)
        {
            findings.Overridable(
                "network-differs", "network", "the new container has the node's own", "a pod's, as the workload had",
                "run the new pod without hostNetwork, or force it: what the workload listens on is then the node's");
        }
    }

    /// <summary>
    /// Whether the placeholder can pass signals on to the workload, as the kernel decides (kill(2)): by the capability, or by the user. All else
    /// that it does needs no privilege: it reaps its own children, what a failed restore left is killed from outside, and its end is the
    /// end of its pid namespace.
    /// </summary>
    /// <param name="part">From the manifest.</param>
    /// <param name="hold">The placeholder's first process.</param>
    /// <param name="findings">What speaks against it.</param>
    internal static void Signals(ContainerPart part, ProcStatus hold, FindingList findings)
    {
        if (part.RootUser is { } user && hold.Uid != user && !new CapabilitySet(hold.EffectiveCapabilities).Has("KILL"))
        {
            findings.Overridable(
                "placeholder-cannot-signal", "first process of the new container",
                string.Create(CultureInfo.InvariantCulture, $"user {hold.Uid} without CAP_KILL"), string.Create(CultureInfo.InvariantCulture, $"user {user}, as the workload, or CAP_KILL"),
                "give the new container's first process the workload's user (runAsUser) or the capability KILL, or force it: a stop then reaches the workload "
                    + "only as SIGKILL, when the grace period is over, and no other signal does");
        }
    }

    private static void Memory(Requirement requirement, int init, FindingList findings)
    {
        if (Cgroup.Of(init).MemoryLimit is { } limit && limit < requirement.MemoryBytes)
        {
            findings.Overridable(
                "memory-limit", "memory limit of the new container", ByteSize.Format(limit), ByteSize.Format(requirement.MemoryBytes), "raise its memory limit");
        }
    }
}
