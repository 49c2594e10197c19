using Checkpointer.Repository;

namespace Checkpointer.Cli.Output;

/// <summary>The shape of <c>copy --json</c>.</summary>
internal sealed record CopyOutput
{
    /// <summary>The target, for people.</summary>
    public required string Target { get; init; }

    public required bool DryRun { get; init; }

    /// <summary>How many are in the target now that were not; with a dry run: would be.</summary>
    public required int Copied { get; init; }

    public required int AlreadyThere { get; init; }

    public required int Failed { get; init; }

    /// <summary>Bytes that were added to the target.</summary>
    public required long BytesStored { get; init; }

    public required IReadOnlyList<CopiedSnapshotOutput> Snapshots { get; init; }

    public static CopyOutput Of(string target, bool dryRun, IReadOnlyList<CopyResult> results) => new()
    {
        Target = target,
        DryRun = dryRun,
        Copied = results.Count(result => result.Outcome is CopyOutcome.Copied or CopyOutcome.Planned),
        AlreadyThere = results.Count(result => result.Outcome == CopyOutcome.AlreadyThere),
        Failed = results.Count(result => result.Outcome == CopyOutcome.Failed),
        BytesStored = results.Sum(result => result.BytesStored),
        Snapshots = [.. results.Select(CopiedSnapshotOutput.Of)],
    };
}

/// <summary>What became of one snapshot.</summary>
internal sealed record CopiedSnapshotOutput
{
    public required string Snapshot { get; init; }

    /// <summary><c>copied</c>, <c>already-there</c>, <c>planned</c> (dry run) or <c>failed</c>.</summary>
    public required string Outcome { get; init; }

    public required long BytesCaptured { get; init; }

    public required long BytesStored { get; init; }

    /// <summary>Whether every byte was read back from the target.</summary>
    public required bool Verified { get; init; }

    /// <summary>Code and message where it failed; else null.</summary>
    public string? Code { get; init; }

    public string? Message { get; init; }

    public static CopiedSnapshotOutput Of(CopyResult result) => new()
    {
        Snapshot = result.Id.ToString(),
        Outcome = Word(result.Outcome),
        BytesCaptured = result.BytesCaptured,
        BytesStored = result.BytesStored,
        Verified = result.Verified,
        Code = result.Error?.Code,
        Message = result.Error?.Message,
    };

    public static string Word(CopyOutcome outcome) => outcome switch
    {
        CopyOutcome.Copied => "copied",
        CopyOutcome.AlreadyThere => "already-there",
        CopyOutcome.Planned => "planned",
        _ => "failed",
    };
}
