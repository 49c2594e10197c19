namespace Checkpointer.Engine.Lineages;

/// <summary>What a node remembers of one workload's lineage.</summary>
public sealed record LineageRecord
{
    public int Version { get; set; } = 1;

    public required string Lineage { get; init; }

    /// <summary>The highest generation that this node wrote or read of this lineage.</summary>
    public required long HighestGeneration { get; init; }

    /// <summary>The highest of them by the id of the repository that it was in; of a lineage's record.</summary>
    // "set", not "init": generated JSON code assigns every init-only property, and so wipes the default of an absent one.
    public Dictionary<string, long> InRepositories { get; set; } = [];

    /// <summary>
    /// Of a process's record: the pid namespace in which its pid counts, as an inode; zero in records that do not say. Only who lives in
    /// the same one can tell whether the process is gone.
    /// </summary>
    public ulong SeenFrom { get; set; }
}
