namespace Checkpointer.Platform;

/// <summary>
/// What distinguishes a process from all others, also from a later one with the same pid: to be written down
/// (journal) and compared before anyone acts on the pid.
/// </summary>
/// <param name="Pid">In the pid namespace of whoever made this record.</param>
/// <param name="StartTime">Clock ticks from boot to its start, as in /proc/PID/stat.</param>
/// <param name="BootId">The boot that this counts from.</param>
/// <param name="PidNamespace">Inode of the pid namespace that the process lives in.</param>
public sealed record ProcessIdentity(int Pid, ulong StartTime, string BootId, ulong PidNamespace)
{
    /// <summary>The identity of the process that has this pid now; null when there is none, or only its zombie.</summary>
    public static ProcessIdentity? Of(int pid)
    {
        if (pid <= 0 || Read(pid) is not { } identity)
        {
            return null;
        }

        // The two facts came from two files: only if the process is still the same, they belong together.
        return ProcStat.Read(pid)?.StartTime == identity.StartTime ? identity : null;
    }

    /// <summary>True while this very process runs (a zombie does not).</summary>
    public bool IsAlive() => Of(Pid) == this;

    /// <summary>A handle that is certain to be this process; null when it is gone.</summary>
    public PidFd? Open()
    {
        PidFd? process = PidFd.Open(Pid);
        if (process is null)
        {
            return null;
        }

        // Checked after opening: what is alive now was alive when it was opened, and so it is what was opened.
        if (IsAlive())
        {
            return process;
        }

        process.Dispose();
        return null;
    }

    private static ProcessIdentity? Read(int pid)
    {
        if (ProcStat.Read(pid) is not { IsZombie: false } stat)
        {
            return null;
        }

        ulong? pidNamespace = NamespaceInode.TryOf(pid, "pid");
        return pidNamespace is null ? null : new ProcessIdentity(pid, stat.StartTime, Host.BootId, pidNamespace.Value);
    }
}
