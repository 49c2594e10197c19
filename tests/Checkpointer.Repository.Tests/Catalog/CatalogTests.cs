namespace Checkpointer.Repository.Tests;

public sealed class CatalogTests
{
    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task An_id_is_found_by_a_unique_prefix()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        SnapshotInfo one = await test.SnapshotAsync(1, "n");
        Assert.Equal(one.Id, await test.Repository.ResolveAsync(one.Id.ToString(), None));
        Assert.Equal(one.Id, await test.Repository.ResolveAsync(one.Id.ToString()[..4], None));
        SnapshotInfo ten = await test.SnapshotAsync(10, "n");

        // The whole id of generation 1 is a prefix of generation 10's.
        Assert.Equal(one.Id, await test.Repository.ResolveAsync(one.Id.ToString(), None));
        Assert.Equal(ten.Id, await test.Repository.ResolveAsync(ten.Id.ToString(), None));
        RepositoryException ambiguous = await Assert.ThrowsAsync<RepositoryException>(() => test.Repository.ResolveAsync(test.Lineage.ToString(), None));
        Assert.Equal(RepositoryCodes.SnapshotAmbiguous, ambiguous.Code);
        foreach (string text in (string[])["", "zz", one.Id.ToString() + "5"])
        {
            RepositoryException missing = await Assert.ThrowsAsync<RepositoryException>(() => test.Repository.ResolveAsync(text, None));
            Assert.Equal(RepositoryCodes.SnapshotNotFound, missing.Code);
        }
    }

    [Fact]
    public async Task A_whole_id_of_a_snapshot_that_is_gone_never_means_another_one()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        SnapshotInfo one = await test.SnapshotAsync(1, "n");
        await test.SnapshotAsync(10, "n");
        await test.Repository.DeleteAsync(one.Id, None);

        RepositoryException missing = await Assert.ThrowsAsync<RepositoryException>(() => test.Repository.ResolveAsync(one.Id.ToString(), None));

        Assert.Equal(RepositoryCodes.SnapshotNotFound, missing.Code);
    }

    [Fact]
    public async Task The_newest_is_the_highest_generation_by_lineage_or_name()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await test.SnapshotAsync(9, "web");
        SnapshotInfo ten = await test.SnapshotAsync(10, "web");
        await test.SnapshotAsync(2, "web");
        Assert.Equal(ten.Id, (await test.Repository.FindNewestAsync("web", None))!.Id);
        Assert.Equal(ten.Id, (await test.Repository.FindNewestAsync(test.Lineage.ToString(), None))!.Id);
        Assert.Null(await test.Repository.FindNewestAsync("other", None));
        Assert.Null(await test.Repository.FindNewestAsync(LineageId.New().ToString(), None));
    }

    [Fact]
    public async Task A_damaged_newest_one_is_not_passed_over()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await test.SnapshotAsync(1, "web");
        SnapshotInfo two = await test.SnapshotAsync(2, "web");
        test.Memory[ObjectNames.Manifest(two.Id)][60] ^= 1;
        foreach (string text in (string[])["web", test.Lineage.ToString()])
        {
            SnapshotInfo? found = await test.Repository.FindNewestAsync(text, None);
            Assert.Equal(two.Id, found!.Id);
            Assert.NotNull(found.Damage);
        }
    }

    [Fact]
    public async Task A_name_that_may_be_that_of_a_damaged_manifest_is_told_as_damage_and_not_as_absence()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        Assert.Equal(
            RepositoryCodes.SnapshotNotFound, (await Assert.ThrowsAsync<RepositoryException>(() => test.Repository.GetNewestAsync("web", None))).Code);
        SnapshotInfo only = await test.SnapshotAsync(1, "web");
        Assert.Equal(only.Id, (await test.Repository.GetNewestAsync("web", None)).Id);
        test.Memory[ObjectNames.Manifest(only.Id)][60] ^= 1;

        RepositoryException error = await Assert.ThrowsAsync<RepositoryException>(() => test.Repository.GetNewestAsync("web", None));
        Assert.Equal((RepositoryCodes.Damaged, ExitCode.Repository, ObjectNames.Manifest(only.Id)), (error.Code, error.ExitCode, error.ObjectName));
        Assert.Contains(only.Id.ToString(), error.Message, StringComparison.Ordinal);

        // A checkpoint of a new name starts a new lineage all the same; a lineage says by itself which it is.
        Assert.Null(await test.Repository.FindNewestAsync("web", None));
        Assert.Equal(
            RepositoryCodes.SnapshotNotFound,
            (await Assert.ThrowsAsync<RepositoryException>(() => test.Repository.GetNewestAsync(LineageId.New().ToString(), None))).Code);
    }

    [Fact]
    public async Task A_name_of_several_lineages_is_ambiguous()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await test.SnapshotAsync(1, "web");
        await using SnapshotWriter other = await test.Repository.BeginSnapshotAsync(new SnapshotTarget(LineageId.New(), 1, null), new WriterOptions { Pool = test.Pool, Workers = 1 }, CancellationToken.None);
        await other.CommitAsync(TestRepository.Content("web"), None);
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => test.Repository.FindNewestAsync("web", None));
        Assert.Equal(RepositoryCodes.SnapshotAmbiguous, e.Code);
    }

    [Fact]
    public async Task A_superseded_snapshot_is_marked_once_and_stays_readable()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        SnapshotInfo info = await test.SnapshotAsync(1, "web", ("f", [1]));
        Assert.False(info.Superseded);
        await test.Repository.MarkSupersededAsync(info.Id, "the service died", None);
        await test.Repository.MarkSupersededAsync(info.Id, "again", None);
        Assert.True(Assert.Single(await test.Repository.ListAsync(None)).Superseded);
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(info.Id, None);
        Assert.True(reader.Info.Superseded);
        Assert.True((await test.Repository.FindNewestAsync("web", None))!.Superseded);
        Assert.Equal(
            RepositoryCodes.SnapshotNotFound,
            (await Assert.ThrowsAsync<RepositoryException>(() => test.Repository.MarkSupersededAsync(new SnapshotId(test.Lineage, 7), "x", None))).Code);
    }

    [Fact]
    public async Task A_marker_that_a_delete_left_says_nothing_about_the_next_of_that_generation()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        SnapshotInfo first = await test.SnapshotAsync(1, "web");
        await test.Repository.MarkSupersededAsync(first.Id, "x", None);
        test.Memory.Remove(ObjectNames.Manifest(first.Id));
        SnapshotInfo second = await test.SnapshotAsync(1, "web");
        Assert.False(Assert.Single(await test.Repository.ListAsync(None)).Superseded);
        await test.Repository.MarkSupersededAsync(second.Id, "y", None);
        Assert.True(Assert.Single(await test.Repository.ListAsync(None)).Superseded);
    }

    [Fact]
    public async Task A_marker_that_cannot_be_read_counts()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        SnapshotInfo info = await test.SnapshotAsync(1, "web");
        await test.Repository.MarkSupersededAsync(info.Id, "x", None);
        test.Memory[ObjectNames.Superseded(info.Id)][70] ^= 1;
        Assert.True(Assert.Single(await test.Repository.ListAsync(None)).Superseded);
    }

    [Fact]
    public async Task A_deleted_snapshot_is_gone_and_its_child_is_not()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        SnapshotInfo parent = await test.SnapshotAsync(1, "web", ("f", TestRepository.Random(50_000, 1)));
        await test.Repository.MarkSupersededAsync(parent.Id, "x", None);
        await using (SnapshotWriter writer = test.Begin(2, parent.Id))
        {
            test.AppendAll(writer.OpenFile("f", FileKind.Pages), TestRepository.Random(50_000, 2));
            await writer.CommitAsync(TestRepository.Content("web"), None);
        }

        await test.Repository.DeleteAsync(parent.Id, None);
        Assert.Equal(2, Assert.Single(await test.Repository.ListAsync(None)).Id.Generation);
        Assert.DoesNotContain(test.Memory.Names, n => n.EndsWith(ObjectNames.SupersededSuffix, StringComparison.Ordinal));
        Assert.Equal(RepositoryCodes.SnapshotNotFound, (await Assert.ThrowsAsync<RepositoryException>(() => test.Repository.DeleteAsync(parent.Id, None))).Code);
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(new SnapshotId(test.Lineage, 2), None);
        Assert.Equal(TestRepository.Random(50_000, 2), await TestRepository.ReadAsync(reader, "f"));
        CheckReport report = await test.Repository.CheckAsync(data: true, null, None);
        Assert.False(report.Damaged);
        Assert.InRange(report.Findings.Count, 2, 3);
    }

    [Fact]
    public async Task A_parent_that_is_gone_is_recorded_by_id_only()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await using SnapshotWriter writer = test.Begin(2, new SnapshotId(test.Lineage, 1));
        SnapshotInfo info = await writer.CommitAsync(TestRepository.Content(), None);
        Assert.Equal(1, info.Parent!.Value.Generation);
        Assert.Null(info.ParentDigest);
    }

    [Fact]
    public async Task Strange_objects_beside_the_manifests_are_ignored()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await test.SnapshotAsync(1, "web");
        foreach (string name in (string[])["snapshots/x", "snapshots/x/0000000000000001", $"snapshots/{test.Lineage}/1", $"snapshots/{test.Lineage}/ffffffffffffffff", $"snapshots/{test.Lineage}/0000000000000000"])
        {
            test.Memory[name] = [1];
        }

        Assert.Single(await test.Repository.ListAsync(None));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0123456789abcdef0123456789abcdef")]
    [InlineData("0123456789abcdef0123456789abcdef-")]
    [InlineData("0123456789abcdef0123456789abcdef-0")]
    [InlineData("0123456789abcdef0123456789abcdef-01")]
    [InlineData("0123456789abcdef0123456789abcdef--1")]
    [InlineData("0123456789ABCDEF0123456789abcdef-1")]
    [InlineData("0123456789abcdef0123456789abcdef-99999999999999999999")]
    [InlineData("0123456789abcdef0123456789abcde-1")]
    public void Only_one_spelling_of_an_id_is_read(string text) => Assert.False(SnapshotId.TryParse(text, out _));

    [Fact]
    public void An_id_reads_back() =>
        Assert.Equal("0123456789abcdef0123456789abcdef-42", SnapshotId.Parse("0123456789abcdef0123456789abcdef-42").ToString());
}
