using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>One tree that a dump is of: the only one, or a container of a pod.</summary>
internal sealed record DumpTree
{
    /// <summary>Its number in the operation's journal entry, from 0 on.</summary>
    public required int Number { get; init; }

    /// <summary>How the names of its images begin in the snapshot; empty for the only one.</summary>
    public required string Prefix { get; init; }

    public required Inspection Inspection { get; init; }

    public required ProcessIdentity Root { get; init; }

    /// <summary>The owner whose pid and mount namespace CRIU must run in; null for a tree in our own.</summary>
    public required int? EnterNamespacesOf { get; init; }

    /// <summary>Its sockets.</summary>
    public required RunPlace Place { get; init; }

    /// <summary>CRIU's log and statistics.</summary>
    public required string LogDirectory { get; init; }

    /// <summary>Frozen before the first CRIU starts; null where the tree is the only one, which CRIU stops itself.</summary>
    public required Cgroup? Freezer { get; init; }

    public string LogPath => Path.Combine(LogDirectory, DumpSession.LogName);

    /// <summary>For messages.</summary>
    public string Label => Inspection.Container is { } container && Prefix.Length > 0
        ? $"container {container.Subject.Record.Name}"
        : $"process {Inspection.Tree.Root.Label}";
}
