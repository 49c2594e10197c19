using Checkpointer.Engine.FileState.Trees;

namespace Checkpointer.Engine.Containers;

/// <summary>The container's part of a workload record. Persisted; members are only ever added.</summary>
public sealed record ContainerPart
{
    public required ContainerRecord Record { get; init; }

    public required List<ContainerMount> Mounts { get; init; }

    public List<FileTreeRecord> FileTrees { get; set; } = [];

    /// <summary>Destinations that the workload could write and whose content did not travel.</summary>
    public List<string> Uncovered { get; set; } = [];

    /// <summary>The workload used System V shared memory, semaphores or queues: it needs its own IPC namespace again, which is then not the pod's.</summary>
    public bool OwnIpc { get; set; }

    /// <summary>The label of the security module, as /proc/PID/attr/current says; null where there is none.</summary>
    public string? SecurityLabel { get; set; }

    /// <summary>The real user of the workload's root, who must be in reach of the placeholder's signals; null in older snapshots.</summary>
    public uint? RootUser { get; set; }

    /// <summary>It lived in the node's own network (<c>hostNetwork</c>); null in older snapshots, where only the runtime's words tell.</summary>
    public bool? NodeNetwork { get; set; }

    /// <summary>The terminal that the runtime gave it.</summary>
    public bool Terminal { get; set; }
}
