namespace Checkpointer.Repository;

/// <summary>What a new snapshot takes from an earlier one of its lineage.</summary>
public sealed record ParentUse
{
    /// <summary>A snapshot that stores everything itself.</summary>
    public static ParentUse None { get; } = new();

    /// <summary>The snapshot whose chunks are used again; null: everything is stored.</summary>
    public SnapshotId? Parent { get; init; }

    /// <summary>True: every chunk of the parent is found wherever it went. False: the parent is too large for the memory, and is searched near the expected places and by samples.</summary>
    public bool Whole { get; init; }

    /// <summary>Why an earlier snapshot, or a part of it, could not be used: notes, because the new snapshot is whole all the same.</summary>
    public IReadOnlyList<Finding> Findings { get; init; } = [];
}
