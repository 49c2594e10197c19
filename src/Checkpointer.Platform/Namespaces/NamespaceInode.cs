namespace Checkpointer.Platform;

/// <summary>Namespaces by their inode: two processes share one exactly when the numbers agree (within one boot).</summary>
public static class NamespaceInode
{
    private static readonly string[] Kinds =
        ["cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"];

    /// <summary>Inode of a process's namespace of one kind (net, pid, mnt, ...); raises when the process is gone.</summary>
    public static ulong Of(int pid, string kind) =>
        TryOf(pid, kind) ?? throw PlatformException.FromErrno($"{kind} namespace of {pid}", Errno.ESRCH);

    /// <summary>The same; null when the process is gone, or the kernel lacks that kind.</summary>
    public static ulong? TryOf(int pid, string kind)
    {
        if (!Kinds.Contains(kind))
        {
            throw new ArgumentException($"'{kind}' is not a kind of namespace.", nameof(kind));
        }

        ulong inode = ProcLink.Namespace(pid, kind);
        return inode != 0 ? inode : null;
    }
}
