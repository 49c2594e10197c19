namespace Checkpointer.Node.Client;

/// <summary>The way back from an error report to the exception it was made from: same code, text, remedy, exit code and states.</summary>
public static class ErrorTranslation
{
    public static CheckpointerException ToException(ErrorReport report)
    {
        var error = Make(report);
        error.WorkloadSeen = report.WorkloadRunning;
        return error;
    }

    private static CheckpointerException Make(ErrorReport report)
    {
        var (code, message, remedy) = (report.Code, report.Message, report.Remedy);
        var (durable, log) = (report.SnapshotDurable, report.LogFile);
        var workload = Enum.TryParse<WorkloadState>(report.WorkloadState, ignoreCase: true, out var state) ? state : WorkloadState.Unknown;
        return (ExitCode)report.ExitCode switch
        {
            ExitCode.Usage =>
                new UsageException(code, message, remedy) { Workload = workload, SnapshotDurable = durable, LogFile = log },
            ExitCode.Refused => new RefusedException(code, message, remedy)
            {
                Findings = report.Findings ?? [],
                Workload = workload,
                SnapshotDurable = durable,
                LogFile = log,
            },
            ExitCode.Repository =>
                new RepositoryException(code, message, remedy) { Workload = workload, SnapshotDurable = durable, LogFile = log },
            ExitCode.Environment =>
                new HostException(code, message, remedy) { Workload = workload, SnapshotDurable = durable, LogFile = log },
            ExitCode.Attention =>
                new AttentionException(code, message, remedy) { Workload = workload, SnapshotDurable = durable, LogFile = log },
            ExitCode.Cancelled =>
                new OperationCancelledException(code, message, remedy) { Workload = workload, SnapshotDurable = durable, LogFile = log },
            _ => new OperationFailedException(code, message, remedy) { Workload = workload, SnapshotDurable = durable, LogFile = log },
        };
    }
}
