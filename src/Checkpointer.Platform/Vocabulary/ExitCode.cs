namespace Checkpointer;

/// <summary>The process exit codes of every verb. Documented and stable: scripts depend on the numbers.</summary>
public enum ExitCode
{
    /// <summary>Done.</summary>
    Done = 0,

    /// <summary>Failed; the message says what state everything is in.</summary>
    Failed = 1,

    /// <summary>Wrong usage; nothing was touched.</summary>
    Usage = 2,

    /// <summary>Refused by preflight or compatibility findings; nothing was touched.</summary>
    Refused = 3,

    /// <summary>The repository: not found, wrong key, damaged, or a newer format.</summary>
    Repository = 4,

    /// <summary>No privileges, or CRIU or the kernel lack what is needed.</summary>
    Environment = 5,

    /// <summary>The workload's state is unknown or it could not be thawed: a person must look.</summary>
    Attention = 6,

    /// <summary>Cancelled; the workload runs.</summary>
    Cancelled = 130,
}
