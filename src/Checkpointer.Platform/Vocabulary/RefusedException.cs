namespace Checkpointer;

/// <summary>Preflight or compatibility findings refuse the operation. Nothing was touched; the workload runs on.</summary>
public sealed class RefusedException(string code, string message, string? remedy = null, Exception? inner = null)
    : CheckpointerException(code, message, remedy, inner)
{
    /// <summary>Every finding of the check, also those that do not refuse.</summary>
    public IReadOnlyList<Finding> Findings { get; init; } = [];

    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.Refused;
}
