namespace Checkpointer.Engine;

/// <summary>What a person or a controller asks for when a snapshot is to run again on this node.</summary>
public sealed record RestoreRequest
{
    /// <summary>A snapshot id or a unique prefix of one; exactly one of this and <see cref="Latest"/> is set.</summary>
    public string? Snapshot { get; set; }

    /// <summary>A workload's name or lineage, of which the highest generation is restored.</summary>
    public string? Latest { get; set; }

    public required string Repository { get; init; }

    /// <summary>The path of the key file, or <c>passphrase-file:</c> and the path of a file with a passphrase.</summary>
    public required string KeyFile { get; init; }

    // "set", not "init": generated JSON code assigns every init-only property, and so wipes the default of an absent one.
    public long MemoryBytes { get; set; } = CheckpointRequest.DefaultMemoryBytes;

    /// <summary>A file path, or <c>inherit</c> (embedded engine only), for a standard input that reached outside the tree.</summary>
    public string? Stdin { get; set; }

    public string? Stdout { get; set; }

    public string? Stderr { get; set; }

    /// <summary>A cgroup that the tree joins, as a path below the cgroup mount; null makes <c>checkpointer/OPERATION</c>.</summary>
    public string? Cgroup { get; set; }

    /// <summary>
    /// A placeholder container, as <see cref="Containers.IContainerRuntime.FindAsync"/> understands names. For snapshots of
    /// containers; for one of a pod the new pod, whose containers of the same names wait.
    /// </summary>
    public string? Into { get; set; }

    /// <summary>Makes the placeholder from the snapshot's own record. Excludes <see cref="Into"/>.</summary>
    public bool Create { get; set; }

    /// <summary>Pairs <c>OLD=NEW</c> of GPU ids that overrule the proposed map.</summary>
    public List<string> Gpus { get; set; } = [];

    /// <summary>Lifts findings that can be overridden; blockers stay.</summary>
    public bool Force { get; set; }

    public double? TimeoutSeconds { get; set; }
}
