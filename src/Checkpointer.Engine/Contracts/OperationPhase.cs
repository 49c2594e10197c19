namespace Checkpointer.Engine;

/// <summary>The names of phases, in order. Clients must accept names that they do not know.</summary>
public static class OperationPhase
{
    public const string Queued = "queued";
    public const string Inspect = "inspect";
    public const string Prepare = "prepare";

    /// <summary>Files of containers are stored while the workload runs. Only where they are large.</summary>
    public const string Files = "files";

    /// <summary>Device memory is brought into the processes' own. Only where a GPU is used.</summary>
    public const string Gpu = "gpu";

    public const string Dump = "dump";
    public const string Commit = "commit";
    public const string Thaw = "thaw";
    public const string End = "end";
    public const string Load = "load";
    public const string Restore = "restore";
    public const string Verify = "verify";
    public const string Done = "done";
}
