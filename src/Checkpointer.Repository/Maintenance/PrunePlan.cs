namespace Checkpointer.Repository;

/// <summary>Why an object goes.</summary>
public enum PruneReason
{
    /// <summary>A map that no snapshot and no running writer names.</summary>
    UnreferencedMap,

    /// <summary>A note on a rewritten pack that no map names any more.</summary>
    UnreferencedMove,

    /// <summary>A pack that no map in use names.</summary>
    UnreferencedPack,

    /// <summary>A pack whose living frames are in another pack.</summary>
    RewrittenPack,

    /// <summary>A superseded marker whose snapshot is gone.</summary>
    OrphanMarker,

    /// <summary>The intent of a writer that cannot be alive any more.</summary>
    DeadIntent,

    /// <summary>A clock object that a killed process left.</summary>
    ForgottenClock,

    /// <summary>What a killed upload left beside its target.</summary>
    UnfinishedUpload,
}

/// <summary>One object that goes. <paramref name="Bytes"/> is its length.</summary>
public sealed record PruneItem(string Name, long Bytes, PruneReason Reason);

/// <summary>One pack that is rewritten: of its <paramref name="Bytes"/>, <paramref name="LiveBytes"/> are in use.</summary>
public sealed record RepackItem(string Name, long Bytes, long LiveBytes);

/// <summary>What a prune found, and what it is going to do.</summary>
public sealed record PrunePlan
{
    public required int Snapshots { get; init; }

    /// <summary>Writers that are running, or died less than a day ago: what is younger than the oldest of them stays.</summary>
    public required int Writers { get; init; }

    /// <summary>The store's time at the start.</summary>
    public required DateTimeOffset StoreTime { get; init; }

    /// <summary>Only what is older goes.</summary>
    public required DateTimeOffset Before { get; init; }

    /// <summary>In the order of deletion.</summary>
    public required IReadOnlyList<PruneItem> Deletions { get; init; }

    public required IReadOnlyList<RepackItem> Repacks { get; init; }

    /// <summary>Packs and their bytes that are in use.</summary>
    public required int PacksInUse { get; init; }

    public required long BytesInUse { get; init; }

    /// <summary>Objects that nothing names, and unfinished uploads, that are too young to go, and their bytes.</summary>
    public required int Young { get; init; }

    public required long YoungBytes { get; init; }

    /// <summary>Damage that was seen on the way and does not make pruning unsafe: packs that are named and missing.</summary>
    public required IReadOnlyList<Finding> Findings { get; init; }

    public long BytesToFree => Deletions.Sum(d => d.Bytes);
}

/// <summary>What a prune did.</summary>
public sealed record PruneReport
{
    public required PrunePlan Plan { get; init; }

    /// <summary>False after a dry run.</summary>
    public required bool Executed { get; init; }

    public int Deleted { get; init; }

    public long BytesFreed { get; init; }

    /// <summary>Packs that were rewritten, and the bytes that were written for them.</summary>
    public int Repacked { get; init; }

    public long BytesRewritten { get; init; }

    /// <summary>Damage that was met while packs were rewritten; those packs were left as they are.</summary>
    public IReadOnlyList<Finding> Findings { get; init; } = [];
}

/// <summary>How far a prune is. <paramref name="Phase"/>: roots, maps, entries, delete, repack.</summary>
public sealed record PruneProgress(string Phase, long Done, long Total);
