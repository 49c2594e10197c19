using Checkpointer.Repository;

namespace Checkpointer.Cli.Output;

/// <summary>The shape of <c>stats --json</c>.</summary>
internal sealed record StatsOutput
{
    public required long BytesCaptured { get; init; }

    public required long BytesStored { get; init; }

    public required int Packs { get; init; }

    public required long UnreferencedBytes { get; init; }

    /// <summary>Uploads that were killed or still run, and their bytes.</summary>
    public required int Unfinished { get; init; }

    public required long UnfinishedBytes { get; init; }

    public required long DeadBytes { get; init; }

    public required double DedupeRatio { get; init; }

    public required double CompressionRatio { get; init; }

    /// <summary>Snapshots that could not be counted.</summary>
    public required int Damaged { get; init; }

    public required IReadOnlyList<SnapshotStatsOutput> Snapshots { get; init; }

    public static StatsOutput Of(RepositoryStats stats) => new()
    {
        BytesCaptured = stats.BytesCaptured,
        BytesStored = stats.BytesStored,
        Packs = stats.Packs,
        UnreferencedBytes = stats.UnreferencedBytes,
        Unfinished = stats.Unfinished,
        UnfinishedBytes = stats.UnfinishedBytes,
        DeadBytes = stats.DeadBytes,
        DedupeRatio = Math.Round(stats.DedupeRatio, 3),
        CompressionRatio = Math.Round(stats.CompressionRatio, 3),
        Damaged = stats.Damaged,
        Snapshots = [.. stats.Snapshots.Select(SnapshotStatsOutput.Of)],
    };
}

/// <summary>What one snapshot adds to those before it.</summary>
internal sealed record SnapshotStatsOutput
{
    public required string Snapshot { get; init; }

    public string? Name { get; init; }

    public required long BytesCaptured { get; init; }

    public required long ZeroBytes { get; init; }

    public required long ChunkBytes { get; init; }

    public required long NewChunkBytes { get; init; }

    public required long NewStoredBytes { get; init; }

    public static SnapshotStatsOutput Of(SnapshotStats stats) => new()
    {
        Snapshot = stats.Snapshot.Id.ToString(),
        Name = stats.Snapshot.Content.Name,
        BytesCaptured = stats.Snapshot.BytesCaptured,
        ZeroBytes = stats.ZeroBytes,
        ChunkBytes = stats.ChunkBytes,
        NewChunkBytes = stats.NewChunkBytes,
        NewStoredBytes = stats.NewStoredBytes,
    };
}
