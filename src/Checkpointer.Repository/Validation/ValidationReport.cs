namespace Checkpointer.Repository;

/// <summary>What a store showed of itself.</summary>
/// <param name="Place">The store, for people.</param>
/// <param name="Checks">In the order in which they ran.</param>
/// <param name="ClockDriftSeconds">How far this node's clock is ahead of the store's; null where it was not seen.</param>
/// <param name="UploadBytesPerSecond">Of the throughput check; null where it did not come to it.</param>
/// <param name="DownloadBytesPerSecond">Of the throughput check; null where it did not come to it.</param>
public sealed record ValidationReport(
    string Place,
    IReadOnlyList<ValidationCheck> Checks,
    double? ClockDriftSeconds,
    double? UploadBytesPerSecond,
    double? DownloadBytesPerSecond)
{
    /// <summary>Whether a repository may be kept there.</summary>
    public bool Passed => Checks.All(static c => c.Passed);
}

/// <summary>One promise of <see cref="IBackend"/> put to the test.</summary>
/// <param name="Name">Stable kebab-case name.</param>
/// <param name="Passed">Whether it was kept.</param>
/// <param name="Detail">What was seen.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Remedy">What to do where it was not kept.</param>
public sealed record ValidationCheck(string Name, bool Passed, string Detail, double Seconds, string? Remedy = null);
