using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>All that an inspection of a process tree found, before anything was touched.</summary>
public sealed record Inspection
{
    public required ProcessTree Tree { get; init; }

    /// <summary>What a node must offer to restore this tree; goes into the manifest.</summary>
    public required Requirement Requirement { get; init; }

    /// <summary>Options for CRIU, to be repeated at restore; go into the manifest.</summary>
    public required TreeOptions Options { get; init; }

    public required Verdict Verdict { get; init; }

    /// <summary>Memory that CRIU will write, in bytes: resident anonymous and shared memory, and ghost files.</summary>
    public required long EstimatedBytes { get; init; }

    /// <summary>Pipes, fifos, ttys and sockets with an end outside the tree, to be mapped at restore.</summary>
    public required IReadOnlyList<StdioEnd> OutsideEnds { get; init; }

    /// <summary>Linked regular files that the tree has open for writing, outside tmpfs.</summary>
    public required IReadOnlyList<FileStateEntry> WritableFiles { get; init; }

    /// <summary>Linked files on tmpfs that the tree has open or maps: they travel with the snapshot.</summary>
    public required IReadOnlyList<FileStateEntry> TmpfsFiles { get; init; }

    /// <summary>Processes that may use a GPU.</summary>
    public IReadOnlyList<GpuCandidate> GpuCandidates { get; init; } = [];

    /// <summary>The container around the tree; null for a plain tree.</summary>
    internal ContainerInspection? Container { get; init; }
}
