using Checkpointer.Engine;

namespace Checkpointer.Cli.Tests.Support;

/// <summary>One of each result, with every field set to something that shows.</summary>
internal static class Samples
{
    public const string Lineage = "3f9c1d0e5b7a48f2a6c49d8e7b6a5f40";
    public const string Snapshot = Lineage + "-3";

    public static readonly Finding Note = new("overcommit", FindingSeverity.Note, "vm.overcommit_memory", "0", "1", "Set it to 1.");
    public static readonly Finding Overridable = new(
        "outside-pipe", FindingSeverity.Overridable, "fd 1 of pid 4711", "a pipe to pid 12", "a file", "Redirect it.");
    public static readonly Finding Blocker = new(
        "io-uring", FindingSeverity.Blocker, "fd 7 of pid 4711", "an io_uring instance", "none", "Run it without io_uring.");

    public static CheckpointResult Checkpoint => new()
    {
        Snapshot = Snapshot,
        Lineage = Lineage,
        Generation = 3,
        Name = "training",
        Parent = Lineage + "-2",
        BytesCaptured = 3L << 30,
        BytesStored = 1L << 30,
        BytesReused = 1L << 29,
        Durable = true,
        WorkloadRunning = false,
        FrozenMs = 1234.5,
        CriuFrozenMs = 1200,
        Timings = new Dictionary<string, double> { ["dump"] = 1200, ["total"] = 1300, ["unaccounted"] = 100 },
        Findings = [Note],
        Operation = "01jdk3v8q2m4x7ya",
    };

    public static RestoreResult Restore => new()
    {
        Snapshot = Snapshot,
        Pid = 815,
        Log = "/var/lib/checkpointer/trees/01jdk3v8q2m4x7ya/output.log",
        Operation = "01jdk3v8q2m4x7ya",
        BytesFetched = 300L << 20,
        FetchRequests = 75,
        Timings = new Dictionary<string, double> { ["restore"] = 800, ["total"] = 900, ["unaccounted"] = 100 },
        Findings = [],
    };

    public static PreflightReport Preflight => new()
    {
        Subject = "pid 4711 (python3)",
        Refuses = false,
        Processes = 2,
        EstimatedBytes = 1L << 30,
        Findings = [Note],
    };

    /// <summary>One exception of every type, each with its own states.</summary>
    public static Exception Error(string name) => name switch
    {
        "usage" => new UsageException("pid-not-found", "there is no process 4711", "Look the pid up again.") { WorkloadSeen = false },
        "refused" => new RefusedException("refused", "pid 4711 cannot be checkpointed", "Mend what the findings say.")
        {
            Findings = [Note, Overridable, Blocker],
            WorkloadSeen = true,
        },
        "repository" => new RepositoryException(
            "wrong-key", "the key file does not open this repository", "Name the right one with --key-file.")
        {
            WorkloadSeen = true,
        },
        "host" => new HostException("no-criu", "no CRIU was found", "Install CRIU 4.2 or newer."),
        "failed" => new OperationFailedException("dump-failed", "CRIU could not dump: Can't dump task", "Look at the log.")
        {
            Workload = WorkloadState.Running,
            LogFile = "/run/checkpointer/01jdk3v8q2m4x7ya/dump.log",
        },
        "durable" => new OperationFailedException("end-failed", "the workload could not be ended")
        {
            Workload = WorkloadState.Running,
            SnapshotDurable = true,
        },
        "attention" => new AttentionException("thaw-failed", "the workload could not be thawed", "Look at pid 4711 now.")
        {
            Workload = WorkloadState.Unknown,
        },
        "cancelled" => new OperationCancelledException("cancelled", "the checkpoint was cancelled") { Workload = WorkloadState.Running },
        "platform" => new PlatformException("syscall-failed", "openat failed: Too many open files", "Raise the limit.")
        {
            Workload = WorkloadState.Running,
        },
        "token" => new OperationCanceledException(),
        "denied" => new UnauthorizedAccessException("Access to the path '/root/x' is denied."),
        "defect" => new InvalidOperationException("this should not happen"),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such sample"),
    };
}
