namespace Checkpointer.Engine.Criu;

/// <summary>Lines about the stream, the images and CRIU itself.</summary>
internal static class CriuLogStreaming
{
    private const string Interrupted = "the image stream broke; the reason is the error of the store or of the service, not CRIU";
    private const string Retry = "mend the repository or its connection, then try again";
    private const string Damaged = "the image that CRIU was given is damaged or incomplete";
    private const string Check = "run 'checkpointer check --data' and restore an earlier snapshot";

    public static IReadOnlyList<CriuLogEntry> Entries { get; } =
    [
        new("streamer-unreachable", "CRIU could not connect to the image stream's socket", "use a run directory with a short path, and report this as a bug if it is short",
            ["Unable to connect to image streamer socket"]),
        new("pre-stream-hook-failed", "the hook failed before the stream began", "check that checkpointer-hook is installed beside checkpointer and may be executed",
            ["Pre-stream script failed"]),
        new("stream-broken", Interrupted, Retry, ["Failed to communicate with the image streamer"]),
        new("stream-broken", Interrupted, Retry, ["Unable to spice data*Broken pipe"]),
        new("stream-broken", Interrupted, Retry, ["Error flushing image*Broken pipe"]),
        new("dirty-tracking-missing", "the kernel has no soft-dirty tracking", "omit --track-mem", ["Tracking memory is not available"]),
        new("criu-pre-dump-bug", "CRIU aborted in a pre-dump, which this kernel does not support", "do not pre-dump", ["BUG at criu/mem.c:"]),
        new("rlimit-not-raised", "CRIU may not raise its own limit of open files", "nothing: this is harmless", ["rlimit: Can't setup RLIMIT_NOFILE"], CriuLineKind.Harmless),
        new("breakpoints-missing", "the machine has no hardware breakpoints", "nothing: CRIU does without", ["Hardware breakpoints don't seem to work"], CriuLineKind.Harmless),
        new("cpuinfo-missing", "the image holds no CPU description: it was dumped without --cpu-cap", "make a new checkpoint", ["No cpuinfo image"]),
        new("dump-option-not-repeated", "the tree was dumped with an option that was not repeated at restore", "restore with the options that the snapshot records",
            ["Need to set the --tcp-close options", "Dumped with --allow-uprobes"]),
        new("criu-plugin-missing", "the tree was dumped with a CRIU plugin that is not here", "install the plugin that the log names", ["Missing required plugin"]),
        new("image-version-mismatch", "this CRIU does not understand the image: it is from another version, or damaged", "use the CRIU version that the snapshot records, or a newer one",
            ["Not supported images version", "Magic doesn't match for"]),
        new("image-incomplete", Damaged, Check, ["Unexpected EOF on"]),
        new("image-truncated", Damaged, Check, ["Read *while*expected from"]),
        new("image-pages-truncated", Damaged, Check, ["Reached EOF unexpectedly while reading page"]),
        new("restore-failed-silently", "CRIU gave no reason; a file is missing from the image", Check, ["Restoring FAILED."], CriuLineKind.FollowUp),
        new("dump-failed-silently", "CRIU gave no reason", "read the whole log", ["Dumping FAILED."], CriuLineKind.FollowUp),
        new("parent-image-missing", "the image is incremental and its parent is not there", "make a full checkpoint", ["Missing*in parent pagemap"]),
        new("lazy-pages-missing", "the daemon that serves memory lazily is not there", "start it, or restore without --lazy-pages", ["lazy-pages.socket failed"]),
        new("hook-refused", "the hook stopped CRIU, on purpose or because it could not reach its service", "read the operation's own error; CRIU undid what it had done",
            ["Script * exited with", "Aborting restore due to*script", "Pre dump script failed"]),
        new("library-directory-missing", "CRIU's plugin directory cannot be opened", "report this as a bug", ["plugin.c*Unable to open directory"]),
        new("criu-option-unknown", "this CRIU does not know an option", "install CRIU 4.2 or newer", ["unrecognized option", "unknown option", "Error: unknown"]),
        new("criu-bug", "CRIU found itself in an impossible state and aborted", "report it to the CRIU project with the log", ["BUG at "]),
    ];
}
