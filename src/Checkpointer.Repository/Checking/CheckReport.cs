namespace Checkpointer.Repository;

/// <summary>One finding, and whom it concerns.</summary>
/// <param name="Finding">What is wrong; the subject is the object.</param>
/// <param name="Snapshots">The snapshots that cannot be restored whole because of it; none for leftovers.</param>
public sealed record CheckFinding(Finding Finding, IReadOnlyList<SnapshotId> Snapshots);

/// <summary>What a check found. Damage is a blocker finding; harmless leftovers (objects that no snapshot names) are notes.</summary>
public sealed record CheckReport(IReadOnlyList<CheckFinding> Details, int Snapshots, int Packs, long BytesChecked)
{
    public IReadOnlyList<Finding> Findings { get; } = [.. Details.Select(static d => d.Finding)];

    /// <summary>True where something that a snapshot needs is missing or wrong.</summary>
    public bool Damaged => Findings.Any(f => f.Severity != FindingSeverity.Note);
}

/// <summary>How far a check is: snapshots, and with data also bytes.</summary>
public sealed record CheckProgress(int SnapshotsDone, int SnapshotsTotal, long BytesChecked);
