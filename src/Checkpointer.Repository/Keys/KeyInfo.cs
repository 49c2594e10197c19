namespace Checkpointer.Repository;

/// <summary>What stands behind a key of a repository.</summary>
public enum KeyKind
{
    KeyFile,
    Passphrase,

    /// <summary>The object cannot be read, so nobody knows.</summary>
    Unknown,
}

/// <summary>What an opened repository can say about one of its keys.</summary>
public enum KeyTrust
{
    /// <summary>Made by somebody who had the master key: label and time are as they were given.</summary>
    Verified,

    /// <summary>It has no label, as keys of the first programs: only its own secret can show whether it opens the repository.</summary>
    Unlabelled,

    /// <summary>Changed, made by a stranger, or damaged: it opens nothing.</summary>
    Unsound,
}

/// <summary>One key of a repository, without any secret.</summary>
public sealed record KeyInfo
{
    /// <summary>32 hex digits; for a key file the id that stands in the file.</summary>
    public required string Id { get; init; }

    public required KeyKind Kind { get; init; }

    public required KeyTrust Trust { get; init; }

    /// <summary>What a person called it; null for none.</summary>
    public string? Label { get; init; }

    /// <summary>When it was added; null where it does not say.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>Rounds of the slow derivation; 0 for a key file, which needs none.</summary>
    public int Iterations { get; init; }

    /// <summary>Whether the repository was opened by this key.</summary>
    public bool InUse { get; init; }
}
