using Checkpointer.Repository;

namespace Checkpointer.Cli.Output;

/// <summary>The shape of <c>prune --json</c>.</summary>
internal sealed record PruneOutput
{
    public required bool DryRun { get; init; }

    public required int Snapshots { get; init; }

    /// <summary>Writers that are running or died less than a day ago.</summary>
    public required int Writers { get; init; }

    /// <summary>The store's time, and the time before which something must have been written to go.</summary>
    public required DateTimeOffset StoreTime { get; init; }

    public required DateTimeOffset Before { get; init; }

    public required int PacksInUse { get; init; }

    public required long BytesInUse { get; init; }

    /// <summary>Objects that nothing names and that are too young.</summary>
    public required int Young { get; init; }

    public required long YoungBytes { get; init; }

    /// <summary>What goes; with a dry run: would go.</summary>
    public required IReadOnlyList<PruneItemOutput> Deletions { get; init; }

    public required IReadOnlyList<RepackItemOutput> Repacks { get; init; }

    public required int Deleted { get; init; }

    /// <summary>Bytes by which the store became smaller.</summary>
    public required long BytesFreed { get; init; }

    public required int Repacked { get; init; }

    public required long BytesRewritten { get; init; }

    public required IReadOnlyList<Finding> Findings { get; init; }

    public static PruneOutput Of(PruneReport report) => new()
    {
        DryRun = !report.Executed,
        Snapshots = report.Plan.Snapshots,
        Writers = report.Plan.Writers,
        StoreTime = report.Plan.StoreTime,
        Before = report.Plan.Before,
        PacksInUse = report.Plan.PacksInUse,
        BytesInUse = report.Plan.BytesInUse,
        Young = report.Plan.Young,
        YoungBytes = report.Plan.YoungBytes,
        Deletions = [.. report.Plan.Deletions.Select(d => new PruneItemOutput { Name = d.Name, Bytes = d.Bytes, Reason = Word(d.Reason) })],
        Repacks = [.. report.Plan.Repacks.Select(r => new RepackItemOutput { Name = r.Name, Bytes = r.Bytes, LiveBytes = r.LiveBytes })],
        Deleted = report.Deleted,
        BytesFreed = report.BytesFreed,
        Repacked = report.Repacked,
        BytesRewritten = report.BytesRewritten,
        Findings = [.. report.Plan.Findings, .. report.Findings],
    };

    public static string Word(PruneReason reason) => reason switch
    {
        PruneReason.UnreferencedMap => "unreferenced-map",
        PruneReason.UnreferencedMove => "unreferenced-move",
        PruneReason.UnreferencedPack => "unreferenced-pack",
        PruneReason.RewrittenPack => "rewritten-pack",
        PruneReason.OrphanMarker => "orphan-marker",
        PruneReason.DeadIntent => "dead-intent",
        PruneReason.ForgottenClock => "forgotten-clock",
        _ => "unfinished-upload",
    };
}

/// <summary>One object that goes.</summary>
internal sealed record PruneItemOutput
{
    public required string Name { get; init; }

    public required long Bytes { get; init; }

    public required string Reason { get; init; }
}

/// <summary>One pack that is rewritten.</summary>
internal sealed record RepackItemOutput
{
    public required string Name { get; init; }

    public required long Bytes { get; init; }

    public required long LiveBytes { get; init; }
}
