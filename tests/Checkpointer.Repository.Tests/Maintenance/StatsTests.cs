using Checkpointer.Repository.Tests.Incremental;

namespace Checkpointer.Repository.Tests.Maintenance;

public sealed class StatsTests
{
    private const int Page = MaintenanceLab.Page;

    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task An_empty_repository_has_ratios_of_one()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        RepositoryStats stats = await lab.Repository.StatsAsync(null, None);
        Assert.Equal((0L, 1.0, 1.0, 0), (stats.BytesStored, stats.DedupeRatio, stats.CompressionRatio, stats.Snapshots.Count));
    }

    [Fact]
    public async Task It_counts_what_each_snapshot_adds_and_what_could_be_freed()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        byte[] one = [.. MaintenanceLab.Data(60, 1), .. new byte[10 * Page]];
        byte[] two = [.. MaintenanceLab.Data(60, 1).AsSpan(0, 40 * Page), .. MaintenanceLab.Data(10, 2)];
        SnapshotInfo first = await lab.SnapshotAsync(1, ("f", one));
        await lab.SnapshotAsync(2, ("f", two));
        RepositoryStats both = await lab.Repository.StatsAsync(null, None);
        Assert.Equal(one.Length + two.Length, both.BytesCaptured);
        Assert.Equal(lab.Names(ObjectNames.PacksPrefix).Concat(lab.Names(ObjectNames.MapsPrefix)).Sum(n => (long)lab.Memory[n].Length), both.BytesStored);
        Assert.Equal(10 * Page, both.Snapshots[0].ZeroBytes);
        Assert.Equal(60 * Page, both.Snapshots[0].NewChunkBytes);
        Assert.Equal(50 * Page, both.Snapshots[1].ChunkBytes);
        Assert.InRange(both.Snapshots[1].NewChunkBytes, 10 * Page, 20 * Page);
        Assert.InRange(both.DedupeRatio, 1.3, 1.6);
        Assert.InRange(both.CompressionRatio, 0.9, 1.1);
        Assert.Equal((0L, 0L), (both.UnreferencedBytes, both.DeadBytes));

        await lab.Repository.DeleteAsync(first.Id, None);
        RepositoryStats later = await lab.Repository.StatsAsync(null, None);
        Assert.InRange(later.DeadBytes, 20 * Page, 35 * Page);
        Assert.True(later.UnreferencedBytes > 0);
        await lab.PruneAsync();
        Assert.Equal(0, (await lab.Repository.StatsAsync(null, None)).UnreferencedBytes);
    }

    [Fact]
    public async Task A_damaged_snapshot_is_left_out_and_counted()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo first = await lab.SnapshotAsync(1, ("f", MaintenanceLab.Data(10, 1)));
        await lab.SnapshotAsync(2, ("f", MaintenanceLab.Data(10, 2)));
        lab.Memory[ObjectNames.Manifest(first.Id)][60] ^= 1;
        RepositoryStats stats = await lab.Repository.StatsAsync(null, None);
        Assert.Equal((1, 1), (stats.Damaged, stats.Snapshots.Count));
    }
}
