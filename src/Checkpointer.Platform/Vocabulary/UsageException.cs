namespace Checkpointer;

/// <summary>The request itself is wrong (option, size, name). Nothing was touched; correct the request and repeat it.</summary>
public sealed class UsageException(string code, string message, string? remedy = null, Exception? inner = null)
    : CheckpointerException(code, message, remedy, inner)
{
    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.Usage;
}
