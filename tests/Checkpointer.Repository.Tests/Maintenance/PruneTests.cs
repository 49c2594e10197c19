using Checkpointer.Platform;
using Checkpointer.Repository.Tests.Incremental;

namespace Checkpointer.Repository.Tests.Maintenance;

public sealed class PruneTests
{
    private static readonly byte[] One = MaintenanceLab.Data(60, 1);
    private static readonly byte[] Two = [.. MaintenanceLab.Data(60, 1).AsSpan(0, 30 * MaintenanceLab.Page), .. MaintenanceLab.Data(40, 2)];

    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task What_snapshots_name_stays_and_what_nobody_names_goes()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo one = await lab.SnapshotAsync(1, ("f", One));
        SnapshotInfo two = await lab.SnapshotAsync(2, ("f", Two));
        SnapshotInfo other = await lab.SnapshotAsync(3, ("f", MaintenanceLab.Data(20, 9)));
        await lab.Repository.DeleteAsync(one.Id, None);
        await lab.Repository.DeleteAsync(other.Id, None);
        await using (SnapshotWriter aborted = await lab.BeginAsync(lab.Repository, 4, null))
        {
            lab.Test.AppendAll(aborted.OpenFile("f", FileKind.Pages), MaintenanceLab.Data(20, 5));
            await aborted.DrainAsync(None);
        }

        long before = lab.Memory.TotalBytes;
        PrunePlan? seen = null;
        lab.Pass();
        PruneReport report = await lab.Repository.PruneAsync(lab.Options(), plan => seen = plan, null, None);
        Assert.Same(report.Plan, seen);
        Assert.True(report.Executed);
        Assert.Equal(1, report.Plan.Snapshots);
        Assert.Equal(report.Plan.Deletions.Count, report.Deleted);
        Assert.Equal(report.BytesFreed, before - lab.Memory.TotalBytes);
        Assert.Equal(report.Plan.BytesToFree, report.BytesFreed);
        Assert.Equal(2, report.Plan.Deletions.Count(d => d.Reason == PruneReason.UnreferencedMap));
        Assert.Equal(report.Plan.Deletions.Select(d => d.Reason).Order(), report.Plan.Deletions.Select(d => d.Reason));

        // The pack of the deleted parent is still needed.
        Assert.True(two.BytesStored < two.BytesCaptured * 0.7);
        await lab.Test.MustHoldAsync(two.Id, ("f", Two));
        await lab.MustBeCleanAsync();
        Assert.Empty((await lab.PruneAsync()).Plan.Deletions);
    }

    [Fact]
    public async Task A_dry_run_writes_nothing_and_says_the_same()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo one = await lab.SnapshotAsync(1, ("f", One));
        await lab.Repository.DeleteAsync(one.Id, None);
        lab.Pass();
        string[] names = [.. lab.Memory.Names];
        HookBackend hooks = new(lab.Memory) { Before = (kind, name) => Assert.False(kind is "put" or "delete", $"{kind} {name}") };
        await using CheckpointRepository looked = await CheckpointRepository.OpenAsync(hooks, lab.Test.Key, None);
        PruneReport dry = await looked.PruneAsync(lab.Options() with { DryRun = true }, null, null, None);
        Assert.False(dry.Executed);
        Assert.Equal(names, lab.Memory.Names);
        PruneReport real = await lab.PruneAsync();
        Assert.Equal(dry.Plan.Deletions.Select(d => d.Name).Order(), real.Plan.Deletions.Select(d => d.Name).Order());
        Assert.NotEmpty(real.Plan.Deletions);
    }

    [Fact]
    public async Task The_grace_age_is_by_the_store_s_time()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo one = await lab.SnapshotAsync(1, ("f", One));
        await lab.Repository.DeleteAsync(one.Id, None);

        // Each worker that came to write has made a pack.
        int made = lab.Names(ObjectNames.PacksPrefix).Length + lab.Names(ObjectNames.MapsPrefix).Length;
        lab.Pass(TimeSpan.FromHours(23));
        PruneOptions options = lab.Options() with { Grace = PruneOptions.DefaultGrace };
        PruneReport young = await lab.PruneAsync(options: options);
        Assert.Empty(young.Plan.Deletions);
        Assert.Equal(made, young.Plan.Young);
        Assert.True(young.Plan.YoungBytes > One.Length);
        lab.Pass(TimeSpan.FromHours(2));
        Assert.Equal(made, (await lab.PruneAsync(options: options)).Deleted);
        Assert.Empty(lab.Names(ObjectNames.PacksPrefix));
    }

    [Theory]
    [InlineData(-6)]
    [InlineData(6)]
    public async Task Clocks_that_differ_too_much_stop_it(int minutes)
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo one = await lab.SnapshotAsync(1, ("f", One));
        await lab.Repository.DeleteAsync(one.Id, None);
        Microsoft.Extensions.Time.Testing.FakeTimeProvider wrong = new(lab.Clock.GetUtcNow().AddMinutes(minutes));
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(
            () => lab.Repository.PruneAsync(lab.Options() with { Time = wrong }, null, null, None));
        Assert.Equal(RepositoryCodes.ClockDrift, e.Code);
        Assert.NotNull(e.Remedy);
        Assert.NotEmpty(lab.Names(ObjectNames.PacksPrefix));
    }

    [Fact]
    public async Task Only_one_prune_runs_and_a_dead_one_is_forgotten()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        ILease other = (await lab.Memory.TryLeaseAsync(ObjectNames.MaintenanceLease, default, TimeSpan.FromSeconds(60), None))!;
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => lab.PruneAsync());
        Assert.Equal(RepositoryCodes.MaintenanceRunning, e.Code);
        lab.Pass(TimeSpan.FromSeconds(61));
        await lab.PruneAsync();
        await other.DisposeAsync();
    }

    [Fact]
    public async Task A_lost_lease_stops_it()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo one = await lab.SnapshotAsync(1, ("f", One));
        await lab.Repository.DeleteAsync(one.Id, None);
        lab.Pass();
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(
            () => lab.Repository.PruneAsync(lab.Options(), _ => lab.Pass(TimeSpan.FromMinutes(2)), null, None));
        Assert.Equal(RepositoryCodes.LeaseLost, e.Code);
        Assert.NotEmpty(lab.Names(ObjectNames.PacksPrefix));
    }

    [Fact]
    public async Task Dead_intents_orphan_markers_and_forgotten_clocks_go()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo one = await lab.SnapshotAsync(1, ("f", One));
        await lab.Repository.MarkSupersededAsync(one.Id, "test", None);
        lab.Memory.Remove(ObjectNames.Manifest(one.Id));
        lab.Memory[ObjectNames.Clock(ObjectId.New())] = [0];
        SnapshotWriter killed = await lab.BeginAsync(lab.Repository, 2, null);
        lab.Test.AppendAll(killed.OpenFile("f", FileKind.Pages), MaintenanceLab.Data(20, 5));
        await killed.DrainAsync(None);
        string intent = Assert.Single(lab.Names(ObjectNames.IntentsPrefix));
        lab.Pass(TimeSpan.FromHours(23));

        // Its writer may be alive: everything since stays.
        PruneReport living = await lab.PruneAsync();
        Assert.Equal(1, living.Plan.Writers);
        Assert.Contains(intent, lab.Memory.Names);
        Assert.NotEmpty(lab.Names(ObjectNames.PacksPrefix));
        lab.Pass(TimeSpan.FromHours(2));
        PruneReport dead = await lab.PruneAsync();
        Assert.Equal(0, dead.Plan.Writers);
        Assert.Empty(lab.Names(ObjectNames.PacksPrefix));
        Assert.Empty(lab.Names(ObjectNames.SnapshotsPrefix));
        await lab.MustBeCleanAsync();
        await killed.DisposeAsync();
    }

    [Fact]
    public async Task Unfinished_uploads_of_a_directory_go_when_they_are_old()
    {
        using TemporaryDirectory directory = new();
        string root = Path.Combine(directory.Path, "repository");
        KeyFile key = KeyFile.LoadOrCreate(Path.Combine(directory.Path, "key"));
        DirectoryBackend backend = new(root);
        await using CheckpointRepository repository = await CheckpointRepository.InitAsync(backend, key, None);
        using IObjectUpload killed = backend.BeginPut(ObjectNames.Pack(ObjectId.New()), None);
        killed.Append(new byte[1000]);
        string left = Assert.Single(Directory.GetFiles(Path.Combine(root, "packs"), ".tmp-*", SearchOption.AllDirectories));
        using IObjectUpload key2 = backend.BeginPut(ObjectNames.Key(ObjectId.New().ToString()), None);
        string leftKey = Assert.Single(Directory.GetFiles(Path.Combine(root, "keys"), ".tmp-*"));

        // Just written: they may be anybody's. They are counted and told all the same.
        PruneOptions options = new() { Grace = TimeSpan.Zero };
        File.SetLastWriteTimeUtc(left, DateTime.UtcNow.AddMinutes(1));
        PrunePlan plan = (await repository.PruneAsync(options, null, null, None)).Plan;
        Assert.Empty(plan.Deletions);
        Assert.Equal((2, 1000), (plan.Young, plan.YoungBytes));
        RepositoryStats stats = await repository.StatsAsync(null, None);
        Assert.Equal((2, 1000, 0), (stats.Unfinished, stats.UnfinishedBytes, stats.UnreferencedBytes));
        CheckReport check = await repository.CheckAsync(data: false, null, None);
        Assert.False(check.Damaged);
        Assert.Equal(("unfinished-uploads", FindingSeverity.Note), (Assert.Single(check.Findings).Code, check.Findings[0].Severity));

        // Packs are written under an intent, and there is none; keys are not.
        foreach (string path in (string[])[left, leftKey])
        {
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddMinutes(-1));
        }

        PruneReport report = await repository.PruneAsync(options, null, null, None);
        PruneItem deleted = Assert.Single(report.Plan.Deletions);
        Assert.Equal((PruneReason.UnfinishedUpload, 1000, 1000), (deleted.Reason, deleted.Bytes, report.BytesFreed));
        Assert.False(File.Exists(left));
        Assert.Equal(1, report.Plan.Young);
        File.SetLastWriteTimeUtc(leftKey, DateTime.UtcNow.AddHours(-2));
        Assert.Single((await repository.PruneAsync(options, null, null, None)).Plan.Deletions);
        Assert.False(File.Exists(leftKey));
        Assert.Empty((await repository.CheckAsync(data: false, null, None)).Findings);
    }

    [Fact]
    public async Task Unfinished_uploads_of_a_writer_that_lives_stay_and_those_from_before_it_go()
    {
        using TemporaryDirectory directory = new();
        string root = Path.Combine(directory.Path, "repository");
        DirectoryBackend backend = new(root);
        await using CheckpointRepository repository = await CheckpointRepository.InitAsync(backend, KeyFile.LoadOrCreate(Path.Combine(directory.Path, "key")), None);
        using BlockPool pool = TestRepository.NewPool(4);
        SnapshotTarget target = new(LineageId.New(), 1, null);
        await using SnapshotWriter writer = await repository.BeginSnapshotAsync(target, new WriterOptions { Pool = pool, Workers = 1 }, None);
        File.SetLastWriteTimeUtc(Assert.Single(Directory.GetFiles(Path.Combine(root, "locks", "writers"))), DateTime.UtcNow.AddMinutes(-10));
        using IObjectUpload its = backend.BeginPut(ObjectNames.Map(ObjectId.New()), None);
        string own = Directory.GetFiles(Path.Combine(root, "maps"), ".tmp-*").Single();
        using IObjectUpload killed = backend.BeginPut(ObjectNames.Pack(ObjectId.New()), None);
        string old = Directory.GetFiles(Path.Combine(root, "packs"), ".tmp-*", SearchOption.AllDirectories).Single();
        File.SetLastWriteTimeUtc(own, DateTime.UtcNow.AddMinutes(-5));
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddMinutes(-20));

        PruneReport report = await repository.PruneAsync(new PruneOptions { Grace = TimeSpan.Zero }, null, null, None);

        Assert.Single(report.Plan.Deletions);
        Assert.Equal((false, true), (File.Exists(old), File.Exists(own)));
    }

    [Theory]
    [InlineData("manifest")]
    [InlineData("map")]
    [InlineData("missing map")]
    [InlineData("intent")]
    [InlineData("intent map")]
    public async Task Where_something_that_names_objects_cannot_be_read_nothing_is_deleted(string what)
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo one = await lab.SnapshotAsync(1, ("f", One));
        SnapshotInfo two = await lab.SnapshotAsync(2, ("f", Two));
        SnapshotInfo gone = await lab.SnapshotAsync(3, ("f", MaintenanceLab.Data(20, 9)));
        await lab.Repository.DeleteAsync(gone.Id, None);
        await using SnapshotWriter writer = await lab.BeginAsync(lab.Repository, 4, two.Id);
        string damaged = what switch
        {
            "manifest" => ObjectNames.Manifest(one.Id),
            "intent" => Assert.Single(lab.Names(ObjectNames.IntentsPrefix)),
            _ => ObjectNames.Map(await MapOfAsync(lab, what == "intent map" ? two.Id : one.Id)),
        };
        if (what == "intent map")
        {
            lab.Memory.Remove(ObjectNames.Manifest(two.Id));
            lab.Memory.Remove(damaged);
        }
        else if (what == "missing map")
        {
            lab.Memory.Remove(damaged);
        }
        else
        {
            lab.Memory[damaged][45] ^= 1;
            lab.Memory[damaged][^60] ^= 1;
        }

        string[] names = [.. lab.Memory.Names];
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => lab.PruneAsync());
        Assert.Equal(RepositoryCodes.PruneRefused, e.Code);
        Assert.Equal(damaged, e.ObjectName);
        Assert.Contains(damaged, e.Message, StringComparison.Ordinal);
        Assert.Equal(names, lab.Memory.Names);
    }

    [Fact]
    public async Task A_missing_pack_is_told_and_does_not_stop_it()
    {
        await using MaintenanceLab lab = await MaintenanceLab.NewAsync();
        SnapshotInfo one = await lab.SnapshotAsync(1, ("f", One));
        string pack = lab.Names(ObjectNames.PacksPrefix)[0];
        SnapshotInfo gone = await lab.SnapshotAsync(2, ("g", MaintenanceLab.Data(20, 9)));
        await lab.Repository.DeleteAsync(gone.Id, None);
        lab.Memory.Remove(pack);
        PruneReport report = await lab.PruneAsync();
        Assert.Equal(pack, Assert.Single(report.Plan.Findings).Subject);
        Assert.True(report.Deleted >= 2);
        Assert.Contains(ObjectNames.Manifest(one.Id), lab.Memory.Names);
    }

    private static async Task<ObjectId> MapOfAsync(MaintenanceLab lab, SnapshotId id)
    {
        await using SnapshotReader reader = await lab.Repository.OpenSnapshotAsync(id, None);
        return reader.Map;
    }
}
