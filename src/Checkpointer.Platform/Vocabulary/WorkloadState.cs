namespace Checkpointer;

/// <summary>What an operation left of the workload.</summary>
public enum WorkloadState
{
    /// <summary>It was never stopped by us.</summary>
    Untouched,

    /// <summary>It was stopped and runs again.</summary>
    Running,

    /// <summary>It no longer exists.</summary>
    Gone,

    /// <summary>Nobody can say: it may be frozen, half restored or gone.</summary>
    Unknown,
}
