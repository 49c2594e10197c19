namespace Checkpointer;

/// <summary>The operation was cancelled on request and rolled back. The workload runs (or was never touched).</summary>
public sealed class OperationCancelledException(string code, string message, string? remedy = null, Exception? inner = null)
    : CheckpointerException(code, message, remedy, inner)
{
    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.Cancelled;
}
