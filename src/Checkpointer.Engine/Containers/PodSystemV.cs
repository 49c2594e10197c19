using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>
/// Whose the System V objects of a pod are. Its containers share one IPC namespace, in which a look at one of them finds the objects of all;
/// segments belong to who has them attached, semaphores and queues do not tell.
/// </summary>
internal static class PodSystemV
{
    /// <summary>The same inspections; only those that use the objects are told to.</summary>
    public static IReadOnlyList<Inspection> Assign(IReadOnlyList<Inspection> members)
    {
        List<bool> attached = [.. members.Select(static m => m.Tree.Processes.Any(static p => HasSegment(p.Pid)))];
        return attached.Contains(true) && !IpcNamespace.HasSemaphoresOrQueues(members[0].Tree.Root.Pid)
            ? [.. members.Select((m, i) => m with { Container = m.Container! with { OwnIpc = attached[i] } })]
            : members;
    }

    private static bool HasSegment(int pid) => ProcMaps.Read(pid).Any(static m => m.IsDeleted && m.Path.StartsWith("/SYSV", StringComparison.Ordinal));
}
