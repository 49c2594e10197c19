namespace Checkpointer;

/// <summary>
/// The repository cannot serve the request: absent, wrong key, damaged, newer format, or the store fails.
/// What was committed before stays usable; the writer or reader that raised it is dead.
/// </summary>
public sealed class RepositoryException(string code, string message, string? remedy = null, Exception? inner = null)
    : CheckpointerException(code, message, remedy, inner)
{
    /// <summary>Name of the object in the repository that is concerned; null when it is the repository as a whole.</summary>
    public string? ObjectName { get; init; }

    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.Repository;
}
