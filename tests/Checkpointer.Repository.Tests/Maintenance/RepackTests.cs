using Checkpointer.Repository.Tests.Incremental;

namespace Checkpointer.Repository.Tests.Maintenance;

/// <summary>Packs that are mostly dead are rewritten, and every snapshot stays what it was.</summary>
public sealed class RepackTests
{
    private const int Page = MaintenanceLab.Page;
    private static readonly byte[] Old = MaintenanceLab.Data(200, 1);

    /// <summary>A fifth of the old one, in pieces, with new data between them.</summary>
    private static readonly byte[] Young =
        [.. Old.AsSpan(0, 20 * Page), .. MaintenanceLab.Data(10, 2), .. Old.AsSpan(90 * Page, 20 * Page), .. MaintenanceLab.Data(10, 3)];

    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task A_pack_that_is_mostly_dead_is_rewritten()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo young = await MostlyDeadAsync(lab);
        Assert.Empty((await lab.PruneAsync()).Plan.Repacks);
        long before = lab.Memory.TotalBytes;
        PruneReport report = await lab.PruneAsync(repack: true);
        RepackItem item = Assert.Single(report.Plan.Repacks);
        Assert.InRange(item.LiveBytes, 30 * Page, 50 * Page);
        Assert.Equal(1, report.Repacked);
        Assert.Single(lab.Names(ObjectNames.MovesPrefix));
        Assert.DoesNotContain(item.Name, lab.Memory.Names);
        Assert.True(before - lab.Memory.TotalBytes > 140 * Page);
        await lab.Test.MustHoldAsync(young.Id, ("f", Young));
        await lab.MustBeCleanAsync();
        Assert.Empty((await lab.PruneAsync(repack: true)).Plan.Repacks);
    }

    [Fact]
    public async Task A_rewritten_pack_is_copied_into_another_repository()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        await using TestRepository target = await TestRepository.NewAsync();
        SnapshotInfo young = await MostlyDeadAsync(lab);
        await lab.PruneAsync(repack: true);
        Assert.Single(lab.Names(ObjectNames.MovesPrefix));
        RepositoryCopy copy = new(lab.Repository, target.Repository, new CopyOptions { Verify = true });
        CopyResult result = Assert.Single(await copy.RunAsync([young.Id], null, None));
        Assert.Equal((CopyOutcome.Copied, true), (result.Outcome, result.Verified));
        await target.MustHoldAsync(young.Id, ("f", Young));
    }

    [Fact]
    public async Task A_rewritten_pack_is_still_reused_from_and_rewritten_again_and_goes_in_the_end()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo young = await MostlyDeadAsync(lab);
        await lab.PruneAsync(repack: true);
        byte[] next = [.. Young.AsSpan(0, 8 * Page), .. MaintenanceLab.Data(4, 4)];
        SnapshotInfo third = await lab.SnapshotAsync(3, ("f", next));
        Assert.True(third.BytesStored < third.BytesCaptured * 0.8, $"{third.BytesStored} of {third.BytesCaptured}");
        await lab.Repository.DeleteAsync(young.Id, None);
        PruneReport again = await lab.PruneAsync(repack: true);
        Assert.True(again.Repacked >= 1);
        await lab.Test.MustHoldAsync(third.Id, ("f", next));
        await lab.MustBeCleanAsync();
        Assert.Equal(2, lab.Names(ObjectNames.MovesPrefix).Length);

        SnapshotInfo fourth = await lab.SnapshotAsync(4, ("f", next));
        await lab.Repository.DeleteAsync(third.Id, None);
        await lab.PruneAsync(repack: true);
        await lab.Test.MustHoldAsync(fourth.Id, ("f", next));
        await lab.Repository.DeleteAsync(fourth.Id, None);
        await lab.PruneAsync();
        Assert.Empty(lab.Names(ObjectNames.PacksPrefix));
        Assert.Empty(lab.Names(ObjectNames.MovesPrefix));
        Assert.Empty(lab.Names(ObjectNames.MapsPrefix));
    }

    [Fact]
    public async Task A_reader_that_is_in_the_middle_of_a_pack_goes_on_in_the_new_one()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo young = await MostlyDeadAsync(lab);
        await using SnapshotReader reader = await lab.Repository.OpenSnapshotAsync(young.Id, None);
        using FileReader file = reader.OpenFile("f");
        byte[] read = new byte[Young.Length];
        bool pruned = false;
        while (await file.NextRunAsync(FileReader.MaxChunk, None) is { } run)
        {
            await file.DecodeAsync(run, read.AsMemory((int)run.Offset, run.RawLength), None);
            if (!pruned)
            {
                pruned = true;
                Assert.Equal(1, (await lab.PruneAsync(repack: true)).Repacked);
            }
        }

        Assert.True(Young.AsSpan().SequenceEqual(read));
    }

    [Fact]
    public async Task A_snapshot_whose_packs_were_rewritten_is_copied()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        await using TestRepository target = await TestRepository.NewAsync();
        SnapshotInfo young = await MostlyDeadAsync(lab);
        Assert.Equal(1, (await lab.PruneAsync(repack: true)).Repacked);
        CopyOptions options = new() { Verify = true };
        CopyResult result = Assert.Single(await new RepositoryCopy(lab.Repository, target.Repository, options).RunAsync([young.Id], null, None));
        Assert.Equal(CopyOutcome.Copied, result.Outcome);
        await target.MustHoldAsync(young.Id, ("f", Young));
    }

    [Fact]
    public async Task Killed_at_any_step_it_harms_nothing_and_the_next_prune_finishes()
    {
        int steps = await KillAsync(int.MaxValue);
        Assert.InRange(steps, 6, 60);
        for (int step = 0; step < steps; step++)
        {
            await KillAsync(step);
        }
    }

    [Fact]
    public async Task A_damaged_pack_is_left_as_it_is()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        await MostlyDeadAsync(lab);
        string pack = lab.Names(ObjectNames.PacksPrefix).MaxBy(n => lab.Memory[n].Length)!;
        lab.Memory[pack][FormatConstants.ObjectHeaderSize + 20] ^= 1;
        byte[] before = [.. lab.Memory[pack]];
        PruneReport report = await lab.PruneAsync(repack: true);
        Assert.Equal(pack, Assert.Single(report.Findings).Subject);
        Assert.Equal(0, report.Repacked);
        Assert.Equal(before, lab.Memory[pack]);
        Assert.Empty(lab.Names(ObjectNames.MovesPrefix));
    }

    [Fact]
    public async Task A_move_that_was_changed_or_belongs_to_another_pack_does_not_open()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo young = await MostlyDeadAsync(lab);
        await lab.PruneAsync(repack: true);
        string name = Assert.Single(lab.Names(ObjectNames.MovesPrefix));
        byte[] original = lab.Memory[name];
        foreach (int at in (int[])[0, 9, 20, 41, 45, 60, original.Length - 1])
        {
            byte[] changed = [.. original];
            changed[at] ^= 0x40;
            lab.Memory[name] = changed;
            await using SnapshotReader reader = await lab.Repository.OpenSnapshotAsync(young.Id, None);
            RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => TestRepository.ReadAsync(reader, "f"));
            Assert.Contains(e.Code, (string[])[RepositoryCodes.Damaged, RepositoryCodes.TooNew]);
            Assert.Equal(name, e.ObjectName);
            CheckReport report = await lab.Repository.CheckAsync(data: false, null, None);
            Assert.Contains(report.Findings, f => f.Subject == name && f.Severity == FindingSeverity.Blocker);
            Assert.Equal(RepositoryCodes.PruneRefused, (await Assert.ThrowsAsync<RepositoryException>(() => lab.PruneAsync())).Code);
        }
    }

    [Fact]
    public void A_malformed_move_is_damage_and_takes_no_memory()
    {
        ObjectId pack = ObjectId.New();
        PackReference target = new(ObjectId.New(), 1000);
        byte[] good = PackMove.Write(2000, [target], [(40, 0, 40, 0), (100, 0, 90, 1)]);
        Assert.Equal(2, PackMove.Read(pack, good, "x").Count);
        for (int length = 0; length < good.Length; length++)
        {
            Assert.Throws<RepositoryException>(() => PackMove.Read(pack, good.AsSpan(0, length), "x"));
        }

        foreach ((int at, byte value) in (IEnumerable<(int, byte)>)[(3, 0xFF), (8, 0xFF), (11, 0x7F), (36, 0xFF), (39, 0x7F), (40, 200), (44, 1), (48, 1), (59, 0x80)])
        {
            byte[] bad = [.. good];
            bad[at] = value;
            if (!bad.AsSpan().SequenceEqual(good))
            {
                Assert.Equal(RepositoryCodes.Damaged, Assert.Throws<RepositoryException>(() => PackMove.Read(pack, bad, "x")).Code);
            }
        }
    }

    /// <summary>Generation 1 is deleted; generation 2 needs a fifth of its pack.</summary>
    private static async Task<SnapshotInfo> MostlyDeadAsync(MaintenanceLab lab)
    {
        SnapshotInfo old = await lab.SnapshotAsync(1, ("f", Old));
        SnapshotInfo young = await lab.SnapshotAsync(2, ("f", Young));
        Assert.True(young.BytesStored < young.BytesCaptured * 0.6);
        await lab.Repository.DeleteAsync(old.Id, None);
        return young;
    }

    /// <summary>The process dies before its n-th change of the store: from then on nothing that it does arrives.</summary>
    private static async Task<int> KillAsync(int dieAt)
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo young = await MostlyDeadAsync(lab);
        lab.Pass();
        HookBackend hooks = new(lab.Memory);
        await using CheckpointRepository pruning = await CheckpointRepository.OpenAsync(hooks, lab.Test.Key, None);
        int changes = 0;
        hooks.Before = (kind, name) =>
        {
            if (kind is "put" or "delete" && Interlocked.Increment(ref changes) > dieAt)
            {
                throw new RepositoryException(RepositoryCodes.StoreFailed, $"killed before {kind} {name}");
            }
        };
        if (dieAt == int.MaxValue)
        {
            await pruning.PruneAsync(lab.Options(repack: true), null, null, None);
        }
        else
        {
            // Without its last change, the removal of its intent, it is merely logged.
            Exception? killed = await Record.ExceptionAsync(() => pruning.PruneAsync(lab.Options(repack: true), null, null, None));
            Assert.True(killed is null or RepositoryException, killed?.ToString());
            Assert.True(changes > dieAt);
        }

        hooks.Before = null;
        await lab.Test.MustHoldAsync(young.Id, ("f", Young));
        CheckReport between = await lab.Repository.CheckAsync(data: true, null, None);
        Assert.False(between.Damaged);

        // The dead process's lease, and then its intent, have run out.
        lab.Pass(TimeSpan.FromHours(25));
        await lab.PruneAsync(repack: true);
        await lab.Test.MustHoldAsync(young.Id, ("f", Young));
        await lab.MustBeCleanAsync();
        Assert.True(lab.Memory.TotalBytes < 100 * Page, $"{lab.Memory.TotalBytes} bytes are left");
        return changes;
    }
}
