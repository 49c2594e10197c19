namespace Checkpointer.Engine.Lineages;

/// <summary>What a node remembers of one workload's lineage.</summary>
public sealed record LineageRecord
{
    public int Version { get; set; } = 1;

    public required string Lineage { get; init; }

    /// <summary>The highest generation that this node wrote or read of this lineage.</summary>
    public required long HighestGeneration { get; init; }
}
