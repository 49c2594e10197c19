namespace Checkpointer;

/// <summary>
/// One checkpoint or restore failed and was rolled back. The service and other operations go on;
/// <see cref="CheckpointerException.Workload"/> says what the workload does now.
/// </summary>
public sealed class OperationFailedException(string code, string message, string? remedy = null, Exception? inner = null)
    : CheckpointerException(code, message, remedy, inner)
{
    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.Failed;
}
