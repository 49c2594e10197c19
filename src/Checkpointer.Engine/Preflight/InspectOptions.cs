using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;

namespace Checkpointer.Engine.Preflight;

/// <summary>What the inspection is told by its caller.</summary>
public sealed record InspectOptions
{
    /// <summary>Unlinked open files up to this many bytes in all are taken along; more is a blocker.</summary>
    public const long DefaultGhostMaximum = 1L << 30;

    /// <summary>
    /// Pid (in the inspector's namespace) of the checkpointer-init that owns the tree, or null. Such a tree may live in a pid and
    /// mount namespace of its own: CRIU is run inside them.
    /// </summary>
    public int? OwnedBy { get; init; }

    /// <summary>See <see cref="DefaultGhostMaximum"/>.</summary>
    public long GhostMaximum { get; init; } = DefaultGhostMaximum;

    /// <summary><see cref="GhostMaximum"/>, or what a person allows beyond it.</summary>
    internal long GhostAllowed => CriuOptions.ContainsKey("ghost-limit")
        ? Math.Max(GhostMaximum, CriuOptionOverrides.Apply(new TreeOptions(), CriuOptions).GhostLimit)
        : GhostMaximum;

    /// <summary>Bytes of buffers that the checkpoint takes on this node.</summary>
    public long BufferBytes { get; init; } = CheckpointRequest.DefaultMemoryBytes;

    /// <summary>What a person says of CRIU's options, in place of what is derived.</summary>
    public IReadOnlyDictionary<string, string> CriuOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>The container that the tree is the workload of; null for a plain process tree.</summary>
    internal ContainerSubject? Container { get; init; }

    /// <summary>The workload lives on after the checkpoint; otherwise it is ended.</summary>
    public bool LeaveRunning { get; init; }

    internal static InspectOptions Of(PreflightOptions options) => new() { LeaveRunning = options.LeaveRunning, CriuOptions = options.CriuOptions };
}
