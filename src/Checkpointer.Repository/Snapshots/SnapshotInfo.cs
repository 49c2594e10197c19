namespace Checkpointer.Repository;

/// <summary>One snapshot as its manifest tells it.</summary>
public sealed record SnapshotInfo
{
    public required SnapshotId Id { get; init; }

    /// <summary>For a damaged snapshot a placeholder with an empty node and intent.</summary>
    public required ManifestContent Content { get; init; }

    /// <summary>The parent that was given at the checkpoint.</summary>
    public SnapshotId? Parent { get; init; }

    /// <summary>SHA-256 of the parent's manifest object, 64 hex digits; null without a parent, or where it was deleted before.</summary>
    public string? ParentDigest { get; init; }

    /// <summary>Where it was first made, for a copy; null for an original.</summary>
    public SnapshotOrigin? Origin { get; init; }

    /// <summary>SHA-256 of this manifest object as stored, 64 hex digits.</summary>
    public required string Digest { get; init; }

    /// <summary>Bytes of all files, zeroes included.</summary>
    public long BytesCaptured { get; init; }

    /// <summary>Bytes that this snapshot added to the store: packs, map and manifest.</summary>
    public long BytesStored { get; init; }

    /// <summary>True: another copy of the workload went on after this snapshot (see <see cref="CheckpointRepository.MarkSupersededAsync"/>).</summary>
    public bool Superseded { get; init; }

    /// <summary>Null for a sound manifest; otherwise what is wrong with it, one sentence that names the object.</summary>
    public string? Damage { get; init; }

    /// <summary>How many files the snapshot holds.</summary>
    public int Files { get; init; }
}

/// <summary>The snapshot that a copy, or a copy of a copy, was made from.</summary>
/// <param name="Repository">Id of the repository, 32 hex digits.</param>
/// <param name="Digest">SHA-256 of its manifest object there, 64 hex digits.</param>
public sealed record SnapshotOrigin(string Repository, string Digest);
