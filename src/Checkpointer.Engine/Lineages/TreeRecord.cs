using System.Text.Json.Serialization;

namespace Checkpointer.Engine.Lineages;

/// <summary>A restored tree as this node keeps it: who owns it and which lineage it carries on.</summary>
public sealed record TreeRecord
{
    /// <summary>2 where there are <see cref="Members"/>.</summary>
    public int Version { get; set; } = 1;

    public required string Operation { get; init; }

    public required string Snapshot { get; init; }

    public required string Lineage { get; init; }

    /// <summary>The owner, <c>checkpointer-init</c>, in the engine's pid namespace.</summary>
    public required int OwnerPid { get; init; }

    public required ulong OwnerStartTime { get; init; }

    /// <summary>The tree's root in the engine's pid namespace.</summary>
    public required int RootPid { get; init; }

    public required ulong RootStartTime { get; init; }

    public required string BootId { get; init; }

    /// <summary>True when the tree lives in a pid and mount namespace that its owner made.</summary>
    public required bool OwnPidNamespace { get; init; }

    /// <summary>The container whose first process owns it, by its id; null for a plain tree.</summary>
    public string? Container { get; set; }

    /// <summary>The cgroups that were made for it, to be removed when it is over.</summary>
    public List<string> Cgroups { get; set; } = [];

    /// <summary>The containers of a pod, of which the first is told above, too; null for anything else. Since version 2.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public List<TreeRecord>? Members { get; set; }

    /// <summary>The record of a whole restore: of its only tree, or of a pod's.</summary>
    internal static TreeRecord Of(IReadOnlyList<TreeRecord> trees, bool pod) =>
        pod ? trees[0] with { Version = 2, Members = [.. trees] } : trees[0];
}
