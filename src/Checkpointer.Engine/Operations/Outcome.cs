namespace Checkpointer.Engine;

/// <summary>Puts what became of workload and snapshot onto an error, so that every failure says what is still usable.</summary>
internal static class Outcome
{
    /// <summary>The same error with the state that was found after it.</summary>
    /// <param name="error">What went wrong; anything that is not ours becomes an internal error.</param>
    /// <param name="workload">What was seen of the workload afterwards.</param>
    /// <param name="durable">Whether the operation's snapshot is committed all the same.</param>
    /// <param name="logFile">CRIU's log, if there is one.</param>
    public static CheckpointerException With(Exception error, WorkloadState workload, bool durable, string? logFile) => error switch
    {
        RefusedException e => e,
        UsageException e when workload == WorkloadState.Untouched => e,
        HostException e => new HostException(e.Code, e.Message, e.Remedy, e)
        {
            Workload = workload,
            SnapshotDurable = durable,
            LogFile = logFile ?? e.LogFile,
        },
        RepositoryException e => new RepositoryException(e.Code, e.Message, e.Remedy, e)
        {
            ObjectName = e.ObjectName,
            Workload = workload,
            SnapshotDurable = durable,
            LogFile = logFile ?? e.LogFile,
        },
        AttentionException e => new AttentionException(e.Code, e.Message, e.Remedy, e)
        {
            Workload = WorkloadState.Unknown,
            SnapshotDurable = durable,
            LogFile = logFile ?? e.LogFile,
        },
        OperationCancelledException or OperationCanceledException => new OperationCancelledException(
            "cancelled", "The operation was cancelled.", inner: error)
        {
            Workload = workload,
            SnapshotDurable = durable,
            LogFile = logFile,
        },
        CheckpointerException e => new OperationFailedException(e.Code, e.Message, e.Remedy, e)
        {
            Workload = workload,
            SnapshotDurable = durable,
            LogFile = logFile ?? e.LogFile,
        },
        _ => new OperationFailedException(
            "internal-error",
            $"{error.GetType().Name}: {error.Message}",
            "This is a defect: report it with the log of the operation.",
            error)
        {
            Workload = workload,
            SnapshotDurable = durable,
            LogFile = logFile,
        },
    };
}
