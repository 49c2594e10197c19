namespace Checkpointer.Engine.Criu;

/// <summary>Lines of a restore: what this node lacks.</summary>
internal static class CriuLogRestore
{
    private const string SameFile = "put the same file in place (same package or image version), or restore on a node that has it";
    private const string OlderCpu = "restore on a node with the same CPU family or a newer one";

    public static IReadOnlyList<CriuLogEntry> Entries { get; } =
    [
        new("pid-taken", "a pid of the tree is in use here (perhaps by a zombie of the last attempt)", "try again in two seconds: what is in use by then is seen, and the tree gets a pid namespace of its own",
            ["Can't fork for*File exists"]),
        new("pid-race", "another process took a pid of the tree in the same moment", "try again: what is in use by then is seen, and the tree gets a pid namespace of its own", ["do not match expected"]),
        new("file-bad-size", "a file of the tree has another size here", SameFile, ["File*has bad size"]),
        new("file-bad-build-id", "a library or program is another build here", SameFile, ["File*has bad build-ID"]),
        new("file-bad-mode", "a file of the tree has other permissions here", "set the permissions that the log names", ["File*has bad mode"]),
        new("file-missing", "a file that the tree had open or mapped is not here", SameFile, ["Can't open file", "Can't open fake fifo", "Can't open fifo"]),
        new("fd-not-opened", "an open file could not be restored", "read the line before it in the log", ["Unable to open fd="], CriuLineKind.FollowUp),
        new("unix-peer-missing", "the peer of a unix socket is not here", "start the service that it was connected to", ["Peer*unresolved for"]),
        new("cpu-instructions-missing", "this CPU lacks instructions that the tree was using", OlderCpu, ["CPU instruction capabilities do not match"]),
        new("cpu-state-mismatch", "this CPU keeps its floating point state in another layout", OlderCpu,
            ["CPU xfeatures has unsupported bits", "CPU xsave size mismatch", "CPU xsave max size mismatch", "FPU feature required by image"]),
        new("cpu-state-unsupported", "the tree used floating point state that this CPU does not have", OlderCpu, ["FPU xsave area present"]),
        new("memory-map-failed", "the tree's memory could not be mapped: too little memory, or vm.overcommit_memory is not 1",
            "set vm.overcommit_memory to 1 (sysctl), or use a node with more memory", ["Unable to map ANON_VMA", "Unable to reserve memory"]),
        new("lsm-mismatch", "the tree was confined by AppArmor or SELinux, and this node is not set up alike", "use a node with the same security module and policy",
            ["mismatched lsm types", "LSM specified but"]),
        new("lsm-profile-missing", "the AppArmor or SELinux profile of the tree is not loaded here", "load the profile", ["can't write lsm profile"]),
        new("credentials-not-restored", "user ids, groups or capabilities of a process could not be set", "run as root, outside of a user namespace",
            ["Can't setgroups", "Unable to set real, effective and saved", "Unable to restore capabilities"]),
        new("seccomp-not-restored", "a seccomp filter could not be set", "use a kernel with CONFIG_SECCOMP_FILTER and the same architecture", ["PR_SET_SECCOMP returned"]),
        new("rseq-unsupported", "this kernel has no restartable sequences", "use a newer kernel", ["rseq: can't restore as kernel doesn't support"]),
        new("mount-not-mapped", "a mount of the tree comes from outside and was not mapped", "map it with --external mnt[KEY]:PATH",
            ["is autodetected external mount", "No mapping for*mountpoint"]),
        new("root-missing", "the tree has an own mount namespace and no new root was given", "give --root", ["--root option is required"]),
        new("network-tool-failed", "a network rule or device could not be set", "install nftables and iproute2, then read the log", ["nft command error", "IP tool failed"]),
        new("network-unlocked", "the restore failed after the network had been opened: connections may have got lost", "do not restore this snapshot with connections again",
            ["Network was unlocked"], CriuLineKind.FollowUp),
        new("task-died", "a process died while it was being restored", "read the lines before it in the log", ["exited, status=", "killed by signal"], CriuLineKind.FollowUp),
        new("vdso-mismatch", "CRIU is too old for this kernel", "install a newer CRIU", ["Task had vdso, restorer doesn't", "Unexpected rt vDSO area bounds"]),
        new("address-taken", "an address or port of the tree is in use here", "end the program that listens there, or restore into an own network namespace",
            ["Can't bind*Address already in use"]),
        new("address-missing", "an address of the tree does not exist on this node", "restore with connections closed, or on the node with this address",
            ["Cannot assign requested address"]),
        new("stdio-not-tty", "a terminal of the tree was mapped to something that is no terminal", "map it to a terminal", ["Can't set tty params"]),
        new("tty-not-mapped", "a terminal of the tree was not mapped to another one", "map it with --inherit-fd", ["Deprecated functionality (TTY w/o regfile)"]),
    ];
}
