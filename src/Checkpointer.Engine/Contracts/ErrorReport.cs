using Checkpointer;

namespace Checkpointer.Engine;

/// <summary>An error as scripts see it: the shape of <c>error</c> in <c>--json</c> and of the service's error bodies.</summary>
public sealed record ErrorReport
{
    public required string Code { get; init; }

    public required string Message { get; init; }

    public string? Remedy { get; set; }

    /// <summary><c>untouched</c>, <c>running</c>, <c>gone</c> or <c>unknown</c>.</summary>
    public required string WorkloadState { get; init; }

    /// <summary>
    /// Whether the workload runs. Null where that is not known, or where there is none: nothing was restored yet, or nobody looked. False
    /// also for a process that is not there.
    /// </summary>
    public bool? WorkloadRunning { get; set; }

    /// <summary>Whether a snapshot of this operation is committed in spite of the error; null where that is not known.</summary>
    public required bool? SnapshotDurable { get; init; }

    public string? LogFile { get; set; }

    public required int ExitCode { get; init; }

    public List<Finding> Findings { get; set; } = [];

    /// <summary>Describes any exception; one that is not ours becomes <c>internal-error</c> with exit code 1 and an unknown workload.</summary>
    public static ErrorReport From(Exception exception) => exception switch
    {
        CheckpointerException known => Known(known),
        OperationCanceledException => new ErrorReport
        {
            Code = "cancelled",
            Message = "The operation was cancelled.",
            WorkloadState = Name(Checkpointer.WorkloadState.Running),
            WorkloadRunning = true,
            SnapshotDurable = false,
            ExitCode = (int)Checkpointer.ExitCode.Cancelled,
        },
        _ => new ErrorReport
        {
            Code = "internal-error",
            Message = $"{exception.GetType().Name}: {exception.Message}",
            Remedy = "This is a defect: report it with the log of the operation; look at the workload before you go on.",
            WorkloadState = Name(Checkpointer.WorkloadState.Unknown),
            SnapshotDurable = null,
            ExitCode = (int)Checkpointer.ExitCode.Failed,
        },
    };

    private static ErrorReport Known(CheckpointerException exception) => new()
    {
        Code = exception.Code,
        Message = exception.Message,
        Remedy = exception.Remedy,
        WorkloadState = Name(exception.Workload),
        WorkloadRunning = exception.Workload switch
        {
            Checkpointer.WorkloadState.Running => true,
            Checkpointer.WorkloadState.Untouched => exception.WorkloadSeen,
            Checkpointer.WorkloadState.Gone => false,
            _ => null,
        },
        SnapshotDurable = exception.SnapshotDurable,
        LogFile = exception.LogFile,
        ExitCode = (int)exception.ExitCode,
        Findings = exception is RefusedException refused ? [.. refused.Findings] : [],
    };

    private static string Name(WorkloadState state) => state switch
    {
        Checkpointer.WorkloadState.Untouched => "untouched",
        Checkpointer.WorkloadState.Running => "running",
        Checkpointer.WorkloadState.Gone => "gone",
        _ => "unknown",
    };
}
