namespace Checkpointer;

/// <summary>
/// The workload's state is unknown, or it could not be thawed: as serious as data loss, and a person must look.
/// Nothing about the workload may be assumed; committed snapshots stay usable.
/// </summary>
public sealed class AttentionException(string code, string message, string? remedy = null, Exception? inner = null)
    : CheckpointerException(code, message, remedy, inner)
{
    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.Attention;
}
