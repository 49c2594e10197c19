using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Containers;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Restoring;

/// <summary>One tree that is restored: the only one, or a container of a pod.</summary>
internal sealed record RestoreTree
{
    /// <summary>Its number in the operation's journal entry, from 0 on.</summary>
    public required int Number { get; init; }

    /// <summary>How the names of its images begin in the snapshot; empty for the only one.</summary>
    public required string Prefix { get; init; }

    public required WorkloadRecord Record { get; init; }

    /// <summary>The snapshot, read for this tree alone.</summary>
    public required SnapshotReader Reader { get; init; }

    /// <summary>What becomes of pipes and terminals that led outside.</summary>
    public required IReadOnlyList<string> StdioMaps { get; init; }

    /// <summary>How this node differs from the one of the dump, and what follows from it.</summary>
    public required CompatibilityReport Compatibility { get; init; }

    /// <summary>Destinations of its directories that somebody who runs has, too: nothing is removed there.</summary>
    public required IReadOnlySet<string> Merged { get; init; }

    /// <summary>The placeholder that the tree goes into; null for a plain tree.</summary>
    public required ContainerTarget? Target { get; init; }

    /// <summary>Its sockets and the stage of its mounts.</summary>
    public required RunPlace Place { get; init; }

    /// <summary>CRIU's log.</summary>
    public required string LogDirectory { get; init; }

    /// <summary>Where its owner keeps its files.</summary>
    public required string TreeDirectory { get; init; }

    /// <summary>Bytes of buffers for its images.</summary>
    public required long PoolBytes { get; init; }

    public string LogPath => Path.Combine(LogDirectory, "restore.log");

    public string PidFile => Path.Combine(TreeDirectory, "restored.pid");

    /// <summary>For messages.</summary>
    public string Label(string snapshot) => Prefix.Length == 0 ? $"snapshot {snapshot}" : $"container {Record.Container!.Record.Name} of snapshot {snapshot}";
}
