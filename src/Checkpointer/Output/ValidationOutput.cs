using Checkpointer.Repository;

namespace Checkpointer.Cli.Output;

/// <summary>The shape of <c>repository validate --json</c>.</summary>
internal sealed record ValidationOutput
{
    public required string Place { get; init; }

    public required bool Passed { get; init; }

    /// <summary>How far this node's clock is ahead of the store's; null where it was not seen.</summary>
    public required double? ClockDriftSeconds { get; init; }

    public required double? UploadBytesPerSecond { get; init; }

    public required double? DownloadBytesPerSecond { get; init; }

    public required IReadOnlyList<ValidationCheck> Checks { get; init; }

    public static ValidationOutput From(ValidationReport report) => new()
    {
        Place = report.Place,
        Passed = report.Passed,
        ClockDriftSeconds = report.ClockDriftSeconds,
        UploadBytesPerSecond = report.UploadBytesPerSecond,
        DownloadBytesPerSecond = report.DownloadBytesPerSecond,
        Checks = report.Checks,
    };
}
