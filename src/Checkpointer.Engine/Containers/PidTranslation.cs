using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>Pids of a container's own pid namespace as we see them.</summary>
internal static class PidTranslation
{
    /// <summary>
    /// The child of a container's PID 1 that has the pid <paramref name="inside"/> in PID 1's namespace (it may lead a namespace of its own
    /// below); null when there is none.
    /// </summary>
    public static ProcessIdentity? ChildOf(int init, int inside)
    {
        if (ProcStatus.Read(init) is not { } status)
        {
            return null;
        }

        var depth = status.NamespacePids.Count - 1;
        foreach (var pid in ProcessTree.AllPids().Where(pid => ProcStat.Read(pid)?.ParentPid == init))
        {
            if (ProcStatus.Read(pid)?.NamespacePids is { } pids && pids.Count > depth && pids[depth] == inside)
            {
                return ProcessIdentity.Of(pid);
            }
        }

        return null;
    }
}
