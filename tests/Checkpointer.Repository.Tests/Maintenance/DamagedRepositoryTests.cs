namespace Checkpointer.Repository.Tests.Maintenance;

/// <summary>Each named damage does to check and prune what its definition says, and never more.</summary>
public sealed class DamagedRepositoryTests
{
    private static readonly byte[] One = MaintenanceLab.Data(60, 1);
    private static readonly byte[] Two = [.. One.AsSpan(0, 40 * MaintenanceLab.Page), .. MaintenanceLab.Data(20, 2)];
    private static readonly byte[] Three = MaintenanceLab.Data(60, 3);

    private static CancellationToken None => CancellationToken.None;

    public static TheoryData<string> Names() => [.. DamagedRepositories.All.Select(d => d.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Check_and_prune_do_what_is_expected(string name)
    {
        DamagedRepository damage = DamagedRepositories.All.Single(d => d.Name == name);
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        DamagedParts parts = await MakeAsync(lab);
        string subject = damage.Damage(lab, parts);

        foreach (CheckDepth depth in Enum.GetValues<CheckDepth>())
        {
            CheckReport report = await lab.Repository.CheckAsync(new CheckOptions { Depth = depth }, null, None);
            CheckFinding? finding = report.Details.FirstOrDefault(d => d.Finding.Subject == subject);
            if (damage.Code is null || depth < damage.Depth)
            {
                Assert.Null(finding);
                Assert.False(report.Damaged, $"{depth}: {string.Join("; ", report.Findings.Select(f => f.Found))}");
                continue;
            }

            Assert.NotNull(finding);
            Assert.Equal(damage.Code, finding.Finding.Code);
            Assert.Equal(damage.Harms, finding.Snapshots.Select(s => s.Generation));
            Assert.Equal(damage.Harms.Length > 0 || damage.Code == "key-damaged", report.Damaged);
            Assert.NotEmpty(finding.Finding.Remedy);
        }

        string[] before = [.. lab.Memory.Names];
        if (damage.Prune is DamagedRepository.Deletes or DamagedRepository.Leaves)
        {
            PruneReport report = await lab.PruneAsync();
            string[] gone = [.. before.Except(lab.Memory.Names)];
            if (damage.Prune == DamagedRepository.Deletes)
            {
                Assert.Contains(subject, gone);
            }
            else
            {
                Assert.Empty(gone);
            }

            Assert.Equal(report.Deleted, gone.Length);
            await MustHoldAsync(lab, parts, damage);
        }
        else
        {
            RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => lab.PruneAsync());
            Assert.Equal(damage.Prune, e.Code);
            Assert.Equal(before, lab.Memory.Names);

            // The way on that the remedy names: without what is harmed, prune knows everything again.
            await MendAsync(lab, damage, parts);
            await lab.PruneAsync();
            CheckReport mended = await lab.Repository.CheckAsync(data: true, null, None);
            Assert.False(mended.Damaged);
        }
    }

    [Fact]
    public async Task A_sample_is_decided_by_its_seed_and_covers_about_its_share()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        for (int i = 1; i <= 40; i++)
        {
            await lab.Test.SnapshotAsync(i, null, ("f", MaintenanceLab.Data(4, i)));
        }

        long whole = (await CheckAsync(100, 1)).BytesChecked;
        long first = (await CheckAsync(25, 1)).BytesChecked;
        Assert.Equal(first, (await CheckAsync(25, 1)).BytesChecked);
        Assert.InRange(first, whole / 20, whole / 2);
        HashSet<long> others = [];
        for (int seed = 2; seed < 8; seed++)
        {
            others.Add((await CheckAsync(25, seed)).BytesChecked);
        }

        Assert.True(others.Count > 1);

        Task<CheckReport> CheckAsync(double percent, long seed) =>
            lab.Repository.CheckAsync(new CheckOptions { Depth = CheckDepth.Data, SamplePercent = percent, Seed = seed }, null, None);
    }

    [Fact]
    public async Task What_snapshots_share_is_read_once()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        await lab.SnapshotAsync(1, ("f", One));
        await lab.SnapshotAsync(2, ("f", One));
        await lab.SnapshotAsync(3, ("f", One));
        CheckReport report = await lab.Repository.CheckAsync(data: true, null, None);
        Assert.InRange(report.BytesChecked, One.Length, One.Length * 1.1);
    }

    private static async Task<DamagedParts> MakeAsync(MaintenanceLab lab)
    {
        string[] packs = [];
        string[] maps = [];
        List<string> newPacks = [];
        List<string> newMaps = [];
        SnapshotId[] ids = new SnapshotId[3];
        (byte[] Data, SnapshotId? Parent)[] snapshots = [(One, null), (Two, new SnapshotId(lab.Test.Lineage, 1)), (Three, null)];
        for (int i = 0; i < snapshots.Length; i++)
        {
            await using SnapshotWriter writer = await lab.BeginAsync(lab.Repository, i + 1, snapshots[i].Parent);
            lab.Test.AppendAll(writer.OpenFile("f", FileKind.Pages), snapshots[i].Data);
            ids[i] = (await writer.CommitAsync(TestRepository.Content(), None)).Id;
            newPacks.Add(lab.Names(ObjectNames.PacksPrefix).Except(packs).Single());
            newMaps.Add(lab.Names(ObjectNames.MapsPrefix).Except(maps).Single());
            packs = lab.Names(ObjectNames.PacksPrefix);
            maps = lab.Names(ObjectNames.MapsPrefix);
        }

        await lab.Repository.MarkSupersededAsync(ids[2], "test", None);
        return new DamagedParts(ids, [.. ids.Select(ObjectNames.Manifest)], [.. newMaps], [.. newPacks]);
    }

    private static async Task MustHoldAsync(MaintenanceLab lab, DamagedParts parts, DamagedRepository damage)
    {
        byte[][] data = [One, Two, Three];
        for (int i = 0; i < data.Length; i++)
        {
            if (!damage.Harms.Contains(i + 1) && lab.Memory.Names.Contains(parts.Manifests[i]) && damage.Name != "swapped-packs")
            {
                await using SnapshotReader reader = await lab.Repository.OpenSnapshotAsync(parts.Ids[i], None);
                byte[] read = await TestRepository.ReadAsync(reader, "f");
                Assert.True(data[i].AsSpan().SequenceEqual(read));
            }
        }
    }

    private static async Task MendAsync(MaintenanceLab lab, DamagedRepository damage, DamagedParts parts)
    {
        if (damage.Name == "intent-garbage")
        {
            Assert.Equal(LockState.Unreadable, Assert.Single(await lab.Repository.LocksAsync(removeStale: true, removeAll: false, None)).State);
            Assert.True(Assert.Single(await lab.Repository.LocksAsync(removeStale: true, removeAll: true, None)).Removed);
        }

        foreach (long generation in damage.Harms)
        {
            await lab.Repository.DeleteAsync(parts.Ids[0] with { Generation = generation }, None);
        }

        if (damage.Name == "swapped-maps")
        {
            await lab.Repository.DeleteAsync(parts.Ids[2], None);
        }
    }
}
