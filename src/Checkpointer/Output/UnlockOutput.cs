using Checkpointer.Repository;

namespace Checkpointer.Cli.Output;

/// <summary>The shape of <c>unlock --json</c>.</summary>
internal sealed record UnlockOutput
{
    public required int Removed { get; init; }

    public required IReadOnlyList<LockOutput> Locks { get; init; }

    public static UnlockOutput Of(IReadOnlyList<LockEntry> entries) => new()
    {
        Removed = entries.Count(e => e.Removed),
        Locks = [.. entries.Select(LockOutput.Of)],
    };
}

/// <summary>One lease or writer's intent.</summary>
internal sealed record LockOutput
{
    public required string Name { get; init; }

    /// <summary><c>writer</c> or <c>lease</c>.</summary>
    public required string Kind { get; init; }

    /// <summary><c>live</c>, <c>stale</c> or <c>unreadable</c>.</summary>
    public required string State { get; init; }

    public required string Holder { get; init; }

    /// <summary>The snapshot that a writer makes; else null.</summary>
    public string? Snapshot { get; init; }

    public required double AgeSeconds { get; init; }

    public required bool Removed { get; init; }

    public static LockOutput Of(LockEntry entry) => new()
    {
        Name = entry.Name,
        Kind = entry.Kind.ToString().ToLowerInvariant(),
        State = entry.State.ToString().ToLowerInvariant(),
        Holder = entry.Holder,
        Snapshot = entry.Snapshot?.ToString(),
        AgeSeconds = Math.Round(entry.Age.TotalSeconds, 1),
        Removed = entry.Removed,
    };
}
