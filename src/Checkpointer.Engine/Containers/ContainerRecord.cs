namespace Checkpointer.Engine.Containers;

/// <summary>
/// What a runtime says about one container. Persisted with a snapshot (without the parts that mean nothing elsewhere), so that a
/// placeholder can be made from it; members are only ever added.
/// </summary>
public sealed record ContainerRecord
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public string? PodName { get; init; }

    public string? PodNamespace { get; init; }

    public string? PodUid { get; init; }

    public string? SandboxId { get; init; }

    /// <summary>The container's PID 1, in the engine's pid namespace.</summary>
    public required int Pid { get; init; }

    /// <summary>As the pod names it.</summary>
    public required string Image { get; init; }

    /// <summary>The digest that identifies the image's configuration or manifest, <c>sha256:...</c>; null where the runtime tells none.</summary>
    public string? ImageDigest { get; init; }

    /// <summary><c>containerd</c>, <c>cri-o</c>, ...</summary>
    public required string Runtime { get; init; }

    public string? RuntimeVersion { get; init; }

    /// <summary>The CRI log of the container on its node.</summary>
    public string? LogPath { get; init; }

    public IReadOnlyList<ContainerVolume> Volumes { get; init; } = [];

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    /// <summary>What a placeholder needs to be like this one; null where the runtime did not tell.</summary>
    public ContainerTemplate? Template { get; init; }

    /// <summary>For people: <c>NAMESPACE/POD/NAME</c>, or the name alone.</summary>
    public string Label => PodName is null ? Name : $"{PodNamespace}/{PodName}/{Name}";
}

/// <summary>A bind mount that the pod asked for.</summary>
/// <param name="Destination">Absolute path in the container.</param>
/// <param name="Source">Path on the node.</param>
/// <param name="ReadOnly">It cannot be written.</param>
/// <param name="Propagation"><c>private</c>, <c>host-to-container</c> or <c>bidirectional</c>.</param>
public sealed record ContainerVolume(string Destination, string Source, bool ReadOnly, string Propagation = "private");

/// <summary>A container's configuration as far as CRI can be asked for the same again.</summary>
public sealed record ContainerTemplate
{
    /// <summary>What really runs, with the image's part, where the runtime tells it; <see cref="Arguments"/> is empty then.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    public IReadOnlyList<string> Arguments { get; init; } = [];

    public string? WorkingDirectory { get; init; }

    /// <summary>With the image's variables, without the host's name.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    public bool Tty { get; init; }

    public bool Stdin { get; init; }

    public bool ReadOnlyRoot { get; init; }

    public bool Privileged { get; init; }

    public bool NoNewPrivileges { get; init; }

    public long? User { get; init; }

    public long? Group { get; init; }

    public IReadOnlyList<long> SupplementalGroups { get; init; } = [];

    /// <summary>Without <c>CAP_</c>; <c>ALL</c> is every one.</summary>
    public IReadOnlyList<string> AddCapabilities { get; init; } = [];

    public IReadOnlyList<string> DropCapabilities { get; init; } = [];

    /// <summary>Bytes; 0 is no limit.</summary>
    public long MemoryLimit { get; init; }

    public long CpuQuota { get; init; }

    public long CpuPeriod { get; init; }

    public long CpuShares { get; init; }

    public long OomScoreAdjustment { get; init; }

    /// <summary>Processors, as <c>0-3,8</c>; null is any.</summary>
    public string? CpuSet { get; init; }

    /// <summary>Memory nodes, as <see cref="CpuSet"/>.</summary>
    public string? MemorySet { get; init; }

    /// <summary><c>runtime-default</c>, <c>unconfined</c>, <c>localhost/NAME</c>, or null: nothing was asked for.</summary>
    public string? Seccomp { get; init; }

    /// <summary>As <see cref="Seccomp"/>.</summary>
    public string? AppArmor { get; init; }

    /// <summary><c>USER:ROLE:TYPE:LEVEL</c>, or null.</summary>
    public string? SELinux { get; init; }

    public IReadOnlyList<string> MaskedPaths { get; init; } = [];

    public IReadOnlyList<string> ReadOnlyPaths { get; init; } = [];

    /// <summary>Kernel settings of the pod's namespaces.</summary>
    public IReadOnlyDictionary<string, string> Sysctls { get; init; } = new Dictionary<string, string>();

    /// <summary>Devices by their names in the Container Device Interface, as <c>nvidia.com/gpu=0</c>.</summary>
    public IReadOnlyList<string> CdiDevices { get; init; } = [];

    /// <summary>Device nodes, as paths on the node and in the container.</summary>
    public IReadOnlyList<ContainerVolume> Devices { get; init; } = [];

    /// <summary><c>pod</c>, <c>container</c>, <c>node</c> or <c>target</c>.</summary>
    public string PidMode { get; init; } = "container";

    /// <summary><c>pod</c> or <c>node</c>.</summary>
    public string NetworkMode { get; init; } = "pod";

    public string IpcMode { get; init; } = "pod";

    public string? HostName { get; init; }

    public string? RuntimeHandler { get; init; }

    public string? CgroupParent { get; init; }
}
