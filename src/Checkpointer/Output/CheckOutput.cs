using Checkpointer.Repository;

namespace Checkpointer.Cli.Output;

/// <summary>The shape of <c>check --json</c>.</summary>
internal sealed record CheckOutput
{
    public required bool Damaged { get; init; }

    /// <summary><c>structure</c>, <c>references</c> or <c>data</c>.</summary>
    public required string Depth { get; init; }

    /// <summary>Of a sample: how much of the packs in percent, and the seed that chose them; else null.</summary>
    public double? SamplePercent { get; init; }

    public long? Seed { get; init; }

    public required int Snapshots { get; init; }

    public required int Packs { get; init; }

    public required long BytesChecked { get; init; }

    public required IReadOnlyList<CheckFindingOutput> Findings { get; init; }

    public static CheckOutput Of(CheckReport report, CheckOptions options) => new()
    {
        Damaged = report.Damaged,
        Depth = options.Depth.ToString().ToLowerInvariant(),
        SamplePercent = options.SamplePercent < 100 ? options.SamplePercent : null,
        Seed = options.SamplePercent < 100 ? options.Seed : null,
        Snapshots = report.Snapshots,
        Packs = report.Packs,
        BytesChecked = report.BytesChecked,
        Findings = [.. report.Details.Select(CheckFindingOutput.Of)],
    };
}

/// <summary>A finding, and the snapshots that cannot be restored whole because of it.</summary>
internal sealed record CheckFindingOutput
{
    public required string Code { get; init; }

    public required FindingSeverity Severity { get; init; }

    public required string Subject { get; init; }

    public required string Found { get; init; }

    public required string Needed { get; init; }

    public required string Remedy { get; init; }

    public required IReadOnlyList<string> Snapshots { get; init; }

    public static CheckFindingOutput Of(CheckFinding finding) => new()
    {
        Code = finding.Finding.Code,
        Severity = finding.Finding.Severity,
        Subject = finding.Finding.Subject,
        Found = finding.Finding.Found,
        Needed = finding.Finding.Needed,
        Remedy = finding.Finding.Remedy,
        Snapshots = [.. finding.Snapshots.Select(id => id.ToString())],
    };
}
