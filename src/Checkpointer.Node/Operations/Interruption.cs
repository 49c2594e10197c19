namespace Checkpointer.Node;

/// <summary>What an operation that its service did not live to finish says of itself when the next start has ended it.</summary>
internal static class Interruption
{
    private const string Code = "operation-interrupted";

    /// <param name="operation">As it was last written down.</param>
    /// <param name="found">What recovery found and did; null where the journal did not know the operation.</param>
    public static ErrorReport Error(OperationResource operation, RecoveredOperation? found)
    {
        if (found is not null)
        {
            var (state, durable) = StateOf(found);
            return Report(
                $"The service ended while the operation was in phase {found.Phase}. {found.Message}",
                RemedyOf(found),
                state,
                durable,
                state == WorkloadState.Unknown ? ExitCode.Attention : ExitCode.Failed);
        }

        return operation.Phase == OperationPhases.Queued
            ? Report("The service ended while the operation waited; nothing was touched.", "Ask for it again.", WorkloadState.Untouched, false, ExitCode.Failed)
            : Report(
                "The service ended before the operation had touched anything, or at the very moment when it was over; nothing was left to undo.",
                "Look at 'checkpointer list' and at the workload, then ask for it again.",
                WorkloadState.Unknown,
                null,
                ExitCode.Failed);
    }

    /// <summary>By <see cref="RecoveredOperation.Outcome"/>: the workload, and whether its snapshot is durable.</summary>
    private static (WorkloadState State, bool? Durable) StateOf(RecoveredOperation found) => found.Outcome switch
    {
        "rolled-back" => (WorkloadState.Running, false),
        "durable-and-running" or "tree-adopted" => (WorkloadState.Running, true),
        "durable-and-gone" or "tree-killed" => (WorkloadState.Gone, true),

        // Of a restore the snapshot is as it was; what a checkpoint had stored when the machine stopped was not looked at.
        "closed-as-gone" => (WorkloadState.Gone, found.Kind == OperationKinds.Restore ? true : null),
        _ => (WorkloadState.Unknown, null),
    };

    private static string RemedyOf(RecoveredOperation found) => found.Outcome switch
    {
        "rolled-back" or "tree-killed" => "Ask for it again.",
        "durable-and-gone" => $"'checkpointer restore {found.Snapshot}' brings the workload back.",
        "durable-and-running" or "tree-adopted" => "There is nothing to do.",
        "closed-as-gone" => "Look at 'checkpointer list' for what can be restored.",
        _ => "Look at the workload; the next start of the service tries again.",
    };

    private static ErrorReport Report(string message, string remedy, WorkloadState state, bool? durable, ExitCode exitCode) =>
        ErrorReport.From(Client.ErrorTranslation.ToException(new ErrorReport
        {
            Code = Code,
            Message = message,
            Remedy = remedy,
            WorkloadState = state.ToString(),
            SnapshotDurable = durable,
            ExitCode = (int)exitCode,
        }));
}
