namespace Checkpointer;

/// <summary>
/// The root of every error that Checkpointer raises on purpose. Each type stands for one blast radius, and its
/// summary says what is still usable; <see cref="Workload"/> and <see cref="SnapshotDurable"/> say it for this error.
/// </summary>
public abstract class CheckpointerException : Exception
{
    private protected CheckpointerException(string code, string message, string? remedy, Exception? inner)
        : base(message, inner)
    {
        ArgumentException.ThrowIfNullOrEmpty(code);
        Code = code;
        Remedy = remedy;
    }

    /// <summary>Stable kebab-case name of the error, such as <c>pid-not-found</c>; scripts may compare it.</summary>
    public string Code { get; }

    /// <summary>One sentence that says how to mend it; null when nothing is known to help.</summary>
    public string? Remedy { get; }

    /// <summary>The exit code of a verb that ends with this error.</summary>
    public abstract ExitCode ExitCode { get; }

    /// <summary>What became of the workload; <see cref="WorkloadState.Untouched"/> unless it was stopped.</summary>
    public WorkloadState Workload { get; init; }

    /// <summary>
    /// Whether the workload that was to be checkpointed was seen alive when the error was told; null where nobody looked, or where no
    /// workload was meant (a restore, a repository). It says of an untouched workload whether there is one.
    /// </summary>
    public bool? WorkloadSeen { get; set; }

    /// <summary>
    /// True when a snapshot of this operation is committed in the repository in spite of the error; null when nobody here knows it,
    /// because the service that ran the operation is silent or gone.
    /// </summary>
    public bool? SnapshotDurable { get; init; } = false;

    /// <summary>Path of the log that tells more (CRIU's, mostly); null when there is none.</summary>
    public string? LogFile { get; init; }
}
