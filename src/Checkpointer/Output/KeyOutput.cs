using Checkpointer.Repository;

namespace Checkpointer.Cli.Output;

/// <summary>One key of a repository.</summary>
internal sealed record KeyOutput
{
    /// <summary>32 hex digits.</summary>
    public required string Id { get; init; }

    /// <summary><c>key-file</c>, <c>passphrase</c> or <c>unknown</c>.</summary>
    public required string Kind { get; init; }

    public string? Label { get; init; }

    public DateTimeOffset? Created { get; init; }

    /// <summary>Whether the repository was opened by it.</summary>
    public required bool InUse { get; init; }

    /// <summary><c>verified</c>, <c>unlabelled</c> (made by a program without labels) or <c>unsound</c> (changed, or a stranger's).</summary>
    public required string Trust { get; init; }

    /// <summary>Rounds of the derivation of a passphrase; 0 for a key file.</summary>
    public required int Iterations { get; init; }

    public static KeyOutput Of(KeyInfo key) => new()
    {
        Id = key.Id,
        Kind = KindOf(key.Kind),
        Label = key.Label,
        Created = key.Created,
        InUse = key.InUse,
        Trust = key.Trust switch
        {
            KeyTrust.Verified => "verified",
            KeyTrust.Unlabelled => "unlabelled",
            _ => "unsound",
        },
        Iterations = key.Iterations,
    };

    /// <summary>A key on one line, for people.</summary>
    public static string Text(KeyInfo key) =>
        $"{key.Id} ({KindOf(key.Kind)}{(key.Label is null ? "" : $", '{key.Label}'")})";

    private static string KindOf(KeyKind kind) => kind switch
    {
        KeyKind.KeyFile => "key-file",
        KeyKind.Passphrase => "passphrase",
        _ => "unknown",
    };
}

/// <summary>The shape of <c>key list --json</c>.</summary>
internal sealed record KeyListOutput
{
    public required IReadOnlyList<KeyOutput> Keys { get; init; }
}

/// <summary>The shape of <c>key add</c>, <c>key remove</c> and <c>key rotate</c> with <c>--json</c>.</summary>
internal sealed record KeyChangeOutput
{
    /// <summary>The key that was added, or was there already; null for a removal.</summary>
    public KeyOutput? Added { get; init; }

    /// <summary>False where the key opened the repository before.</summary>
    public bool? IsNew { get; init; }

    public KeyOutput? Removed { get; init; }

    /// <summary>The key file of the added key; null for a passphrase.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Whether this run made the key file.</summary>
    public bool? KeyCreated { get; init; }
}
