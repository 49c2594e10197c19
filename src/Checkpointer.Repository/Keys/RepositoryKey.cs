namespace Checkpointer.Repository;

/// <summary>
/// What opens a repository: a <see cref="KeyFile"/> or a <see cref="Passphrase"/>. Each unwraps the same master key from an object of its own
/// below <c>keys/</c>. Holds a secret; <see cref="ToString"/> does not tell it.
/// </summary>
public abstract class RepositoryKey
{
    private protected RepositoryKey()
    {
    }

    /// <summary>For errors and messages: what it is and where it came from, never the secret.</summary>
    public abstract string Description { get; }

    /// <summary>Something that a person should mend (a file that others can read), or null. The key is usable all the same.</summary>
    public virtual string? Warning => null;

    /// <inheritdoc/>
    public sealed override string ToString() => Description;
}
