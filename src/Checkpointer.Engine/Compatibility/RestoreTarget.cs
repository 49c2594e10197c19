using Checkpointer.Engine.Criu;

namespace Checkpointer.Engine.Compatibility;

/// <summary>Where a restore would go, and what travels with the snapshot anyway.</summary>
public sealed record RestoreTarget
{
    /// <summary>Root directory under which the recorded paths are looked up.</summary>
    public string Root { get; init; } = "/";

    /// <summary>Paths whose contents come with the snapshot: they need not be present.</summary>
    public IReadOnlySet<string> Carried { get; init; } = new HashSet<string>();

    /// <summary>A process in whose network namespace the tree restores; null: ours.</summary>
    public int? NetworkOf { get; init; }

    /// <summary>
    /// What is missing of the network is normal there: connections whose address does not exist come back closed, without being asked.
    /// </summary>
    public bool ClosesConnections { get; init; }

    /// <summary>It goes into a container that is not known: no file, address, port or pid that is seen from here says anything about it.</summary>
    public bool IsUnknown { get; init; }

    /// <summary>The tree restores into a network namespace of its own: ports and addresses of this node do not matter.</summary>
    public bool OwnNetwork { get; init; }
}

/// <summary>The answer of a compatibility check, and what a restore has to do differently because of it.</summary>
/// <param name="Verdict">The findings.</param>
/// <param name="NeedsPidNamespace">A pid of the tree is taken here, or it had its own pid namespace: restore into a fresh one.</param>
public sealed record CompatibilityReport(Verdict Verdict, bool NeedsPidNamespace)
{
    /// <summary>A connection's own address does not exist here: restore with <see cref="CriuRestoreOptions.CloseTcp"/>.</summary>
    public bool CloseTcp { get; init; }

    /// <summary>Value for <see cref="TreeOptions.CpuCapability"/> at restore: a forced restore on a CPU with more state checks instructions only.</summary>
    public string CpuCapability { get; init; } = TreeOptions.DefaultCpuCapability;

    /// <summary>In a new pid namespace pids are given out from the one after this: above every pid of the tree.</summary>
    public int LastPid { get; init; }
}
