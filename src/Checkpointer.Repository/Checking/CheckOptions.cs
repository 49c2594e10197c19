namespace Checkpointer.Repository;

/// <summary>How deep a check looks; each depth includes those before it.</summary>
public enum CheckDepth
{
    /// <summary>Every manifest and the index of every map is authentic, and every pack that they name is there with its right length. Lists the store; reads little.</summary>
    Structure,

    /// <summary>Also every entry of every map, and header and end of every pack.</summary>
    References,

    /// <summary>Also the stored bytes that snapshots need, each once: decrypted, decompressed, compared with the map's hash.</summary>
    Data,
}

/// <summary>What a check does.</summary>
public sealed record CheckOptions
{
    public CheckDepth Depth { get; init; }

    /// <summary>With <see cref="CheckDepth.Data"/>: the share of the packs whose bytes are read, above 0 to 100.</summary>
    public double SamplePercent { get; init; } = 100;

    /// <summary>Which packs a sample takes: one seed always chooses the same, another chooses independently.</summary>
    public long Seed { get; init; }
}
