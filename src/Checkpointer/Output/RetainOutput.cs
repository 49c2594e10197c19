using Checkpointer.Repository;

namespace Checkpointer.Cli.Output;

/// <summary>The shape of <c>retain --json</c>.</summary>
internal sealed record RetainOutput
{
    public required bool DryRun { get; init; }

    public required int Kept { get; init; }

    /// <summary>How many were deleted; with a dry run: would be.</summary>
    public required int Removed { get; init; }

    public required IReadOnlyList<RetainedOutput> Snapshots { get; init; }

    /// <summary>With <c>--prune</c>: what it did; else null.</summary>
    public PruneOutput? Prune { get; init; }

    public static RetainOutput Of(RetainReport report, bool dryRun, PruneReport? prune) => new()
    {
        DryRun = dryRun,
        Kept = report.Decisions.Count(d => d.Keep),
        Removed = dryRun ? report.Decisions.Count(d => !d.Keep) : report.Removed,
        Snapshots = [.. report.Decisions.Select(RetainedOutput.Of)],
        Prune = prune is null ? null : PruneOutput.Of(prune),
    };
}

/// <summary>What became of one snapshot.</summary>
internal sealed record RetainedOutput
{
    public required string Snapshot { get; init; }

    public string? Name { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required bool Kept { get; init; }

    /// <summary>The rules that keep it: newest, newest-not-superseded, last, hourly, daily, within, damaged.</summary>
    public required IReadOnlyList<string> Reasons { get; init; }

    public static RetainedOutput Of(RetainDecision decision) => new()
    {
        Snapshot = decision.Snapshot.Id.ToString(),
        Name = decision.Snapshot.Content.Name,
        Created = decision.Snapshot.Content.Created,
        Kept = decision.Keep,
        Reasons = [.. decision.Reasons.Select(r => r.Replace(' ', '-'))],
    };
}
