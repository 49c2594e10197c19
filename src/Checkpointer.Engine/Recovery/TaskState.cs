using Checkpointer.Platform;

namespace Checkpointer.Engine.Recovery;

/// <summary>What /proc says about who holds a process.</summary>
internal static class TaskState
{
    /// <summary>The pid that traces any thread of the process; zero when nobody does or the process is gone.</summary>
    public static int Tracer(int pid) => ProcStatus.Read(pid)?.TracerPid ?? 0;

    /// <summary>Killed or exiting, but still in the process table as if it lived.</summary>
    public static bool IsDying(int pid) => ProcStat.Read(pid)?.IsExiting == true || ProcStatus.Read(pid)?.IsKilled == true;

    /// <summary>The descriptors of a process that are sockets, with the sockets' inodes.</summary>
    public static IEnumerable<(int Fd, ulong Inode)> Sockets(int pid)
    {
        foreach (var file in ProcFd.ReadAll(pid))
        {
            if (file.InodeOf("socket") is { } inode)
            {
                yield return (file.Fd, inode);
            }
        }
    }

    /// <summary>Whether <paramref name="pid"/> is <paramref name="ancestor"/> or descends from it within a few generations.</summary>
    public static bool DescendsFrom(int pid, int ancestor)
    {
        // The hook is a child of CRIU, and CRIU of checkpointer-init; nothing here is deeper.
        const int MaxDepth = 6;
        for (var depth = 0; depth < MaxDepth && pid > 1; depth++)
        {
            if (pid == ancestor)
            {
                return true;
            }

            pid = ProcStat.Read(pid)?.ParentPid ?? 0;
        }

        return false;
    }
}
