namespace Checkpointer.Repository;

/// <summary>What a check found. Damage is a blocker finding; harmless leftovers (objects that no snapshot names) are notes.</summary>
public sealed record CheckReport(IReadOnlyList<Finding> Findings, int Snapshots, int Packs, long BytesChecked)
{
    /// <summary>True where something that a snapshot needs is missing or wrong.</summary>
    public bool Damaged => Findings.Any(f => f.Severity != FindingSeverity.Note);
}

/// <summary>How far a check is: snapshots, and with data also bytes.</summary>
public sealed record CheckProgress(int SnapshotsDone, int SnapshotsTotal, long BytesChecked);
