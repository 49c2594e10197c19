namespace Checkpointer.Engine.Criu;

/// <summary>Lines of a dump: what in the tree CRIU cannot take along.</summary>
internal static class CriuLogDump
{
    private const string WholeTree = "checkpoint a root that includes the peer, or close the connection first";

    public static IReadOnlyList<CriuLogEntry> Entries { get; } =
    [
        new("tcp-connection", "the tree has a connected TCP socket", "checkpoint with --tcp-established, or close the connection", ["Connected TCP socket, consider using"]),
        new("mptcp-socket", "the tree has an MPTCP socket, which CRIU cannot dump", "restart the program without MPTCP (Go: GODEBUG=multipathtcp=0)",
            ["Unsupported proto 262", "GODEBUG=multipathtcp=0"]),
        new("socket-protocol", "the tree has a socket of a protocol that CRIU cannot dump", "close it before the checkpoint", ["Unsupported proto "]),
        new("connection-in-flight", "a connection waits in a listener's queue and was not accepted yet", "try again, or checkpoint with --skip-in-flight",
            ["In-flight connection"]),
        new("file-locks", "the tree holds file locks", "checkpoint with --file-locks", ["Some file locks are hold by dumping tasks"]),
        new("not-session-leader", "the root was started from a shell and is not the leader of its session", "checkpoint with --shell-job, or start the program under setsid",
            ["is not a session leader"]),
        new("ghost-file-too-large", "an open file that was deleted is larger than the ghost limit", "raise the ghost limit, or close the file", ["Can't dump ghost file*increase limit"]),
        new("unlinked-file-has-links", "an open file was deleted, but has other names", "checkpoint with --link-remap, or close the file", ["Can't create link remap"]),
        new("unsupported-file", "the tree has a device or another special file open that CRIU cannot dump", "close it before the checkpoint",
            ["Can't dump file*of that type"]),
        new("io-uring", "the tree uses io_uring (or another file that cannot be passed on)", "turn io_uring off in the program (libuv: UV_USE_IO_URING=0) and restart it",
            ["send_fds failed", "Can't retrieve FDs from socket"]),
        new("unix-peer-outside", "a unix socket's peer is outside the tree", WholeTree, ["External socket is used"]),
        new("unix-stream-half", "a unix stream connection has one end outside the tree", WholeTree, ["Can't dump half of stream unix connection", "Can't dump name-less external socket"]),
        new("unix-socket-state", "a unix socket is in a state that CRIU cannot dump", "try again in a moment",
            ["Dangling connection", "In-flight connection on non-listening", "closed in-flight socket", "with unreachable peer"]),
        new("filesystem-unknown", "a mounted file system is of a kind that CRIU does not know", "unmount it, or declare it with --external mnt", ["FS mnt*unsupported id"]),
        new("mount-sharing", "a mount receives its contents from outside the tree's mount namespace", "make the mount private, or use --enable-external-masters",
            ["unreachable sharing"]),
        new("sysv-shm-outside-ipc-namespace", "the tree uses System V shared memory in an IPC namespace that is not its own", "start it in an IPC namespace (unshare --ipc)",
            ["SysVIPC shmem*doesn't live in IPC ns"]),
        new("session-outside-pid-namespace", "a process's session began outside of its pid namespace", "start it under setsid inside the namespace",
            ["session leader of*is outside of its pid namespace"]),
        new("ptrace-refused", "CRIU may not trace the tree", "run as root with CAP_SYS_PTRACE, and set kernel.yama.ptrace_scope below 3",
            ["Unable to interrupt task"]),
        new("already-traced", "a process of the tree is being traced", "detach strace or the debugger", ["Unseizable non-zombie"]),
        new("criu-inside-tree", "CRIU runs inside the tree that it should dump", "checkpoint another root", ["criu itself is within dumped tree"]),
        new("freeze-timeout", "a process could not be stopped in time: it hangs in the kernel", "try again when its I/O has ended", ["Timeout reached. Try to interrupt"]),
        new("cgroup-freeze-failed", "the cgroup's freezer did not stop the tree", "try again, without --freeze-cgroup", ["Unable to freeze cgroup"]),
        new("zombie-busy", "a process of the tree is just ending", "try again in a moment", ["Zombies with threads are not supported", "Zombie with children", "A root task is dead"]),
        new("network-lock-failed", "CRIU could not stop the network while it dumps connections", "load the kernel's nf_tables module, or choose another --network-lock",
            ["Locking network failed"]),
        new("tty-other-end-outside", "a terminal's other end is outside the tree", "declare it with --external tty, or use --shell-job", ["Found slave peer index", "Only one slave external peer"]),
        new("tty-gone", "the tree's terminal is gone or belongs to another session", "use --shell-job, or --external tty and --inherit-fd",
            ["Don't have tty to inherit session", "Found dangling tty", "ctty inheritance detected"]),
        new("process-vanished", "a process ended while it was being stopped", "try again", ["Unable to detach from*No such process"], CriuLineKind.FollowUp),
    ];
}
