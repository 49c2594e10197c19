using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>
/// The pid namespace of a container. Usually it begins with the container's root and is made anew by CRIU. Where it begins above (the
/// pod's pause, or the placeholder that a container of such a pod was restored into) it stays outside of the dump, and at restore the
/// placeholder's takes its place: there every pid but 1 is free.
/// </summary>
internal static class ContainerPids
{
    /// <summary>CRIU's name for a pid namespace that stayed outside.</summary>
    public const string External = "extpid";

    private const string FindingCode = "pid-namespace-shared";
    private const int First = 1;

    /// <summary>The key of <c>--external</c> at dump; nothing where the namespace begins with the root.</summary>
    public static IEnumerable<string> ExternalKeys(ProcessInfo root) =>
        root.OwnPid == First ? [] : [$"pid[{ProcLink.Namespace(root.Pid, "pid")}]:{External}"];

    /// <summary>Whether a tree was dumped so.</summary>
    /// <param name="external">Of its options.</param>
    public static bool IsExternal(IReadOnlyList<string> external) => external.Any(static key => key.EndsWith("]:" + External, StringComparison.Ordinal));

    public static void Run(InspectionDraft draft, ContainerSubject subject)
    {
        var root = draft.Tree.Root;
        if (root.OwnPid == First)
        {
            return;
        }

        var pids = ProcLink.Namespace(root.Pid, "pid");
        if (pids == ProcLink.Namespace(Environment.ProcessId, "pid"))
        {
            draft.Blocker(
                "pid-namespace-host", root.Label, "it lives in the node's pid namespace", "a pid namespace of the pod or of the container: its pids are other processes' on another node",
                "run the pod without hostPID");
            return;
        }

        if (!subject.IsRestored)
        {
            draft.Overridable(
                FindingCode, root.Label, $"it is process {root.OwnPid} of a pid namespace that it shares with the pod's other containers",
                "a pid namespace of the container's own: a restored container keeps its pids, but sees no process of another container, and none sees its",
                "force it if no container looks at or signals another's processes, or run the pod without shareProcessNamespace");
        }

        if (Outside(draft.Tree, pids) is { Count: > 0 } outside)
        {
            draft.Overridable(
                "process-outside-tree", InspectionDraft.Enumerate(outside), "its parent has ended, and the container's first process did not become its parent: it would not be in the snapshot",
                "every process of the container below its first", "end it, or let the first process be a subreaper (tini -s, for example); or force it to leave the process out");
        }
    }

    /// <summary>
    /// Orphans of the container: children of the namespace's first process in the container's cgroup. What somebody runs in the container
    /// (<c>kubectl exec</c>) has its parent outside of the namespace.
    /// </summary>
    private static List<string> Outside(ProcessTree tree, ulong pids)
    {
        var cgroup = Cgroup.Of(tree.Root.Pid).Name;
        List<string> outside = [];
        foreach (var pid in ProcessTree.AllPids().Where(pid => !tree.Contains(pid) && ProcLink.Namespace(pid, "pid") == pids))
        {
            if (ProcStat.Read(pid) is { IsZombie: false } stat && IsFirst(stat.ParentPid, pids) && IsIn(pid, cgroup))
            {
                outside.Add($"{pid} ({stat.Name})");
            }
        }

        return outside;
    }

    private static bool IsFirst(int pid, ulong pids) =>
        pid > 0 && ProcLink.Namespace(pid, "pid") == pids && ProcStatus.Read(pid)?.NamespacePids is [.., First];

    private static bool IsIn(int pid, string cgroup)
    {
        try
        {
            return Cgroup.Of(pid).Name == cgroup;
        }
        catch (PlatformException)
        {
            // It has ended since.
            return false;
        }
    }
}
