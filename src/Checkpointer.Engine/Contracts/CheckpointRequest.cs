namespace Checkpointer.Engine;

/// <summary>What a person or a controller asks for when a process tree is to be checkpointed.</summary>
public sealed record CheckpointRequest
{
    /// <summary>Default of <see cref="MemoryBytes"/>: 512 MiB.</summary>
    public const long DefaultMemoryBytes = 512L << 20;

    /// <summary>Default of <see cref="MaxFrozenSeconds"/>: five minutes.</summary>
    public const double DefaultMaxFrozenSeconds = 300;

    /// <summary>
    /// The tree's root, in the pid namespace of the engine (the service translates a caller's pid). Exactly one of this, <see cref="Container"/> and <see cref="Pod"/> is set.
    /// </summary>
    public int? Pid { get; set; }

    /// <summary>A container, as <see cref="Containers.IContainerRuntime.FindAsync"/> understands names.</summary>
    public string? Container { get; set; }

    /// <summary>All containers of a pod together, as <see cref="Containers.IContainerRuntime.FindPodAsync"/> understands names.</summary>
    public string? Pod { get; set; }

    /// <summary>Patterns of paths in a container's file system that are not captured, such as <c>/var/cache/**</c>.</summary>
    public List<string> Exclude { get; set; } = [];

    public required string Repository { get; init; }

    /// <summary>The path of the key file, or <c>passphrase-file:</c> and the path of a file with a passphrase.</summary>
    public required string KeyFile { get; init; }

    /// <summary>The workload runs on after the snapshot; otherwise it is ended, but only when the snapshot is durable.</summary>
    public bool LeaveRunning { get; set; }

    public string? Name { get; set; }

    // "set", not "init": generated JSON code assigns every init-only property, and so wipes the default of an absent one.
    public Dictionary<string, string> Labels { get; set; } = [];

    /// <summary>Bytes of buffers for this operation.</summary>
    public long MemoryBytes { get; set; } = DefaultMemoryBytes;

    /// <summary>Deadline of the whole operation in seconds; null is none.</summary>
    public double? TimeoutSeconds { get; set; }

    /// <summary>How long the workload may stand still, in seconds, before the checkpoint is rolled back.</summary>
    public double MaxFrozenSeconds { get; set; } = DefaultMaxFrozenSeconds;

    /// <summary>Regular files that are captured with the memory and written back at restore, as absolute paths.</summary>
    public List<string> Include { get; set; } = [];

    /// <summary>Stores everything again instead of only what changed since the parent.</summary>
    public bool Full { get; set; }

    /// <summary>Options of CRIU that are set in place of what the inspection derives; see <see cref="Criu.CriuOptionOverrides.Known"/>.</summary>
    public Dictionary<string, string> CriuOptions { get; set; } = [];

    /// <summary>Lifts findings that can be overridden; blockers stay.</summary>
    public bool Force { get; set; }
}
