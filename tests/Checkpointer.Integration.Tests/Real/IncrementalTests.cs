using System.Globalization;

namespace Checkpointer.Integration.Tests;

/// <summary>What the second snapshot of a real process stores: what changed, wherever the rest went.</summary>
public sealed class IncrementalTests
{
    private const double Idle = 0.01;
    private const double Changed = 0.12;

    [Fact]
    public Task A_process_of_256_mebibytes_costs_only_what_changed() => MustCostOnlyWhatChangedAsync(256);

    [Fact]
    [Trait("Length", "Long")]
    public Task A_process_of_four_gibibytes_costs_only_what_changed() => MustCostOnlyWhatChangedAsync(4096);

    [Fact]
    public async Task A_restored_tree_continues_the_snapshot_it_came_from()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var drift = await DriftWorkload.StartAsync(lab, 64);
        var first = await lab.CheckpointAsync(drift.Pid, "--leave-running");
        await drift.ChangeAsync(drift.Pid);
        var second = await lab.CheckpointAsync(drift.Pid);
        Assert.Equal(first.Id, second.Parent);

        // Back to the first: from there on nothing of the second was ever in this process.
        var back = (await lab.RestoreAsync(first.Id)).Pid;
        var third = await lab.CheckpointAsync(back, "--leave-running");
        Assert.Equal(3, third.Generation);
        Assert.Equal(first.Lineage, third.Lineage);
        Assert.Equal(first.Id, third.Parent);
        Assert.InRange(third.BytesStored, 1, (long)(first.BytesStored * 0.05));

        // Nobody needs a parent once the child is there.
        (await lab.CheckpointerAsync("delete", first.Id)).MustSucceed();
        (await lab.CheckpointerAsync("delete", second.Id)).MustSucceed();
        (await lab.CheckpointerAsync("check", "--data")).MustSucceed();
        var fourth = await lab.CheckpointAsync(back);
        Assert.Equal(third.Id, fourth.Parent);
        await drift.VerifyAsync((await lab.RestoreAsync(fourth.Id)).Pid);
    }

    [Fact]
    public async Task A_bad_parent_costs_space_and_never_the_checkpoint()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var drift = await DriftWorkload.StartAsync(lab, 64);
        var first = await lab.CheckpointAsync(drift.Pid, "--leave-running");
        File.Delete(Directory.GetFiles(Path.Combine(lab.Repository, "maps")).Single());

        var second = await lab.CheckpointAsync(drift.Pid, "--leave-running");
        Assert.Equal(first.Id, second.Parent);
        Assert.Equal(0, second.BytesReused);
        Assert.Contains("parent-unusable", second.Findings);

        // A pack that is cut: what it held is stored again, and only that.
        var pack = new DirectoryInfo(Path.Combine(lab.Repository, "packs")).EnumerateFiles("*", SearchOption.AllDirectories).MaxBy(static f => f.LastWriteTimeUtc)!;
        await using (var cut = pack.Open(FileMode.Open))
        {
            cut.SetLength(cut.Length - 1);
        }

        var third = await lab.CheckpointAsync(drift.Pid);
        Assert.Equal(second.Id, third.Parent);
        Assert.Contains("parent-pack-missing", third.Findings);
        await drift.VerifyAsync((await lab.RestoreAsync(third.Id)).Pid);
    }

    private static async Task MustCostOnlyWhatChangedAsync(int mebibytes)
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var drift = await DriftWorkload.StartAsync(lab, mebibytes);
        var first = await lab.CheckpointAsync(drift.Pid, "--leave-running");
        Assert.Null(first.Parent);
        Assert.InRange(first.BytesCaptured, (long)mebibytes << 20, long.MaxValue);

        var idle = await lab.CheckpointAsync(drift.Pid, "--leave-running");
        MustStore(first, idle, Idle, 0);
        Assert.Equal(first.Id, idle.Parent);
        Assert.InRange(idle.BytesReused, idle.BytesCaptured * 98 / 100, idle.BytesCaptured);

        await drift.ChangeAsync(drift.Pid);
        var changed = await lab.CheckpointAsync(drift.Pid, "--leave-running");
        MustStore(first, changed, Changed, 0);

        await drift.InsertAsync(drift.Pid);
        var inserted = await lab.CheckpointAsync(drift.Pid, "--leave-running");
        MustStore(first, inserted, Changed, DriftWorkload.Inserted);

        var full = await lab.CheckpointAsync(drift.Pid, "--leave-running", "--full");
        Assert.Equal(0, full.BytesReused);
        Assert.Equal(inserted.Id, full.Parent);
        Assert.InRange(full.BytesStored, first.BytesStored * 9 / 10, long.MaxValue);

        // Generations that lean on three others restore to the byte.
        await drift.ChangeAsync(drift.Pid);
        var last = await lab.CheckpointAsync(drift.Pid);
        await drift.VerifyAsync((await lab.RestoreAsync(last.Id)).Pid);
    }

    /// <summary>A share of what the first snapshot stored, and what is new.</summary>
    private static void MustStore(Snapshot first, Snapshot next, double share, long fresh)
    {
        var most = (long)(first.BytesStored * share) + fresh;
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"generation {next.Generation}: {next.BytesStored >> 10} KiB, {100.0 * next.BytesStored / first.BytesStored:F2} % of the first; frozen {next.FrozenMs:F0} ms (first {first.FrozenMs:F0} ms)"));
        Assert.True(next.BytesStored <= most, $"{next.BytesStored} bytes were stored, at most {most} were wanted");
    }
}
