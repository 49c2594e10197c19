using Checkpointer.Platform;
using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests;

public sealed class CopyTests
{
    private const int Size = 3 << 20;

    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task A_lineage_is_copied_with_everything_that_it_says_and_without_storing_shared_chunks_twice()
    {
        await using TestRepository source = await TestRepository.NewAsync();
        await using TestRepository target = await TestRepository.NewAsync();
        byte[] first = TestRepository.Compressible(Size, 1);
        byte[] second = [.. first];
        TestRepository.Random(64 << 10, 9).CopyTo(second, 1 << 20);
        SnapshotInfo a = await SnapshotAsync(source, 1, null, first);
        SnapshotInfo b = await SnapshotAsync(source, 2, a.Id, second);
        await source.Repository.MarkSupersededAsync(a.Id, "test", None);

        // The younger one is named first: the oldest generation goes first all the same.
        IReadOnlyList<CopyResult> results = await CopyAsync(source, target, [b.Id, a.Id], verify: true);
        Assert.Equal([(a.Id, CopyOutcome.Copied, true), (b.Id, CopyOutcome.Copied, true)], results.Select(r => (r.Id, r.Outcome, r.Verified)));
        Assert.True(results[1].BytesStored < results[0].BytesStored / 4, $"{results[1].BytesStored} after {results[0].BytesStored}");

        IReadOnlyList<SnapshotInfo> list = await target.Repository.ListAsync(None);
        Assert.Equal([a.Id, b.Id], list.Select(s => s.Id));
        Assert.Equal([true, false], list.Select(s => s.Superseded));
        Assert.Equal([new SnapshotOrigin(source.Repository.Id, a.Digest), new SnapshotOrigin(source.Repository.Id, b.Digest)], list.Select(s => s.Origin));
        Assert.Equal((null, a.Id), (list[0].Parent, list[1].Parent));
        Assert.Equal(list[0].Digest, list[1].ParentDigest);
        Assert.Equal(
            ("n", "node-a", "final", "v", """{"x":1}""", DateTimeOffset.UnixEpoch),
            (list[1].Content.Name, list[1].Content.Node, list[1].Content.Intent, list[1].Content.Labels["k"], list[1].Content.Workload.GetRawText(), list[1].Content.Created));
        Assert.Equal((b.Files, b.BytesCaptured), (list[1].Files, list[1].BytesCaptured));
        await AssertSameAsync(source, target, a.Id);
        await AssertSameAsync(source, target, b.Id);
        Assert.Empty((await target.Repository.CheckAsync(data: true, null, None)).Findings);
        Assert.DoesNotContain(target.Memory.Names, n => n.StartsWith("locks/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_there_is_left_alone_also_where_it_came_a_long_way()
    {
        await using TestRepository one = await TestRepository.NewAsync();
        await using TestRepository two = await TestRepository.NewAsync();
        await using TestRepository three = await TestRepository.NewAsync();
        SnapshotInfo a = await SnapshotAsync(one, 1, null, TestRepository.Random(Size, 1));
        await CopyAsync(one, two, [a.Id]);
        IReadOnlyList<string> names = two.Memory.Names;
        Assert.Equal(CopyOutcome.AlreadyThere, Assert.Single(await CopyAsync(one, two, [a.Id], verify: true)).Outcome);
        Assert.Equal(names, two.Memory.Names);

        await CopyAsync(two, three, [a.Id]);
        Assert.Equal(new SnapshotOrigin(one.Repository.Id, a.Digest), Assert.Single(await three.Repository.ListAsync(None)).Origin);
        Assert.Equal(CopyOutcome.AlreadyThere, Assert.Single(await CopyAsync(three, one, [a.Id])).Outcome);
        Assert.Equal(CopyOutcome.AlreadyThere, Assert.Single(await CopyAsync(one, three, [a.Id])).Outcome);
    }

    [Fact]
    public async Task A_marker_that_came_later_follows()
    {
        await using TestRepository source = await TestRepository.NewAsync();
        await using TestRepository target = await TestRepository.NewAsync();
        SnapshotInfo a = await SnapshotAsync(source, 1, null, TestRepository.Random(Size, 1));
        await CopyAsync(source, target, [a.Id]);
        await source.Repository.MarkSupersededAsync(a.Id, "later", None);
        Assert.Equal(CopyOutcome.AlreadyThere, Assert.Single(await CopyAsync(source, target, [a.Id])).Outcome);
        Assert.True(Assert.Single(await target.Repository.ListAsync(None)).Superseded);
    }

    [Fact]
    public async Task Another_snapshot_of_that_name_is_a_conflict_and_stays()
    {
        await using TestRepository source = await TestRepository.NewAsync();
        await using TestRepository target = await TestRepository.NewAsync();
        SnapshotInfo a = await SnapshotAsync(source, 1, null, TestRepository.Random(Size, 1));
        await CopyAsync(source, target, [a.Id]);
        SnapshotInfo here = await SnapshotAsync(source, 2, a.Id, TestRepository.Random(Size, 2));
        SnapshotInfo there = await SnapshotAsync(target, 2, a.Id, TestRepository.Random(Size, 3), a.Id.Lineage);
        CopyResult result = Assert.Single(await CopyAsync(source, target, [here.Id]));
        Assert.Equal((CopyOutcome.Failed, RepositoryCodes.CopyConflict), (result.Outcome, result.Error!.Code));
        Assert.Equal(there.Digest, (await target.Repository.ListAsync(None))[1].Digest);
    }

    [Fact]
    public async Task A_damaged_one_is_told_and_does_not_stop_the_others()
    {
        await using TestRepository source = await TestRepository.NewAsync();
        await using TestRepository target = await TestRepository.NewAsync();
        SnapshotInfo a = await SnapshotAsync(source, 1, null, TestRepository.Random(Size, 1));
        IReadOnlyList<string> before = source.Memory.Names;
        SnapshotInfo b = await SnapshotAsync(source, 2, a.Id, TestRepository.Random(Size, 2));
        string pack = source.Memory.Names.Except(before).First(n => n.StartsWith("packs/", StringComparison.Ordinal));
        source.Memory[pack][1000] ^= 1;
        SnapshotInfo c = await SnapshotAsync(source, 3, a.Id, TestRepository.Random(Size, 1));
        IReadOnlyList<CopyResult> results = await CopyAsync(source, target, [a.Id, b.Id, c.Id]);
        Assert.Equal([CopyOutcome.Copied, CopyOutcome.Failed, CopyOutcome.Copied], results.Select(r => r.Outcome));
        Assert.Equal((RepositoryCodes.Damaged, pack), (results[1].Error!.Code, ((RepositoryException)results[1].Error!).ObjectName));
        Assert.Equal([a.Id, c.Id], (await target.Repository.ListAsync(None)).Select(s => s.Id));
        await AssertSameAsync(source, target, c.Id);
    }

    [Fact]
    public async Task A_chunk_that_is_not_the_one_in_the_map_is_not_carried_on()
    {
        await using TestRepository source = await TestRepository.NewAsync();
        await using TestRepository target = await TestRepository.NewAsync();
        SnapshotInfo a = await SnapshotAsync(source, 1, null, TestRepository.Random(Size, 1));
        source.Memory.Remove(source.Memory.Names.First(n => n.StartsWith("packs/", StringComparison.Ordinal)));
        CopyResult result = Assert.Single(await CopyAsync(source, target, [a.Id]));
        Assert.Equal(RepositoryCodes.Damaged, result.Error!.Code);
        Assert.Empty(await target.Repository.ListAsync(None));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task A_store_that_fails_in_the_middle_ends_the_run_and_the_next_one_goes_on(int put)
    {
        await using TestRepository source = await TestRepository.NewAsync();
        await using TestRepository target = await TestRepository.NewAsync();
        SnapshotInfo a = await SnapshotAsync(source, 1, null, TestRepository.Random(Size, 1));
        SnapshotInfo b = await SnapshotAsync(source, 2, a.Id, TestRepository.Random(Size, 2));
        FailingPut failing = new(target.Faults, put);
        CheckpointRepository broken = await CheckpointRepository.OpenAsync(failing, target.Key, None);
        CopyOptions options = new() { Workers = 2 };
        RepositoryException e = await Assert.ThrowsAsync<RepositoryException>(() => new RepositoryCopy(source.Repository, broken, options).RunAsync([a.Id, b.Id], null, None));
        Assert.Equal(RepositoryCodes.StoreFailed, e.Code);
        IReadOnlyList<CopyResult> results = await CopyAsync(source, target, [a.Id, b.Id], verify: true);
        Assert.All(results, r => Assert.True(r.Verified && r.Outcome is CopyOutcome.Copied or CopyOutcome.AlreadyThere));
        await AssertSameAsync(source, target, b.Id);
        Assert.False((await target.Repository.CheckAsync(data: true, null, None)).Damaged);
    }

    [Fact]
    public async Task A_cancelled_copy_leaves_nothing_visible_and_gives_everything_back()
    {
        await using TestRepository source = await TestRepository.NewAsync();
        await using TestRepository target = await TestRepository.NewAsync();
        SnapshotInfo a = await SnapshotAsync(source, 1, null, TestRepository.Random(Size, 1));
        using CancellationTokenSource cancel = new();
        CancelAt progress = new(cancel, Size / 2);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new RepositoryCopy(source.Repository, target.Repository, new CopyOptions { Workers = 2 }).RunAsync([a.Id], progress, cancel.Token));
        Assert.Empty(await target.Repository.ListAsync(None));
    }

    [Fact]
    public async Task A_dry_run_writes_nothing()
    {
        await using TestRepository source = await TestRepository.NewAsync();
        await using TestRepository target = await TestRepository.NewAsync();
        SnapshotInfo a = await SnapshotAsync(source, 1, null, TestRepository.Random(Size, 1));
        IReadOnlyList<string> names = target.Memory.Names;
        RepositoryCopy copy = new(source.Repository, target.Repository, new CopyOptions { DryRun = true });
        CopyResult result = Assert.Single(await copy.RunAsync([a.Id], null, None));
        Assert.Equal((CopyOutcome.Planned, a.BytesCaptured), (result.Outcome, result.BytesCaptured));
        Assert.Equal(names, target.Memory.Names);
    }

    [Fact]
    public async Task Into_itself_is_refused()
    {
        await using TestRepository source = await TestRepository.NewAsync();
        UsageException e = await Assert.ThrowsAsync<UsageException>(() => CopyAsync(source, source, []));
        Assert.Equal("copy-same-repository", e.Code);
    }

    private static Task<IReadOnlyList<CopyResult>> CopyAsync(TestRepository source, TestRepository target, IReadOnlyCollection<SnapshotId> ids, bool verify = false) =>
        new RepositoryCopy(source.Repository, target.Repository, new CopyOptions { Verify = verify, Workers = 2 }).RunAsync(ids, null, None);

    private static async Task<SnapshotInfo> SnapshotAsync(TestRepository repository, long generation, SnapshotId? parent, byte[] pages, LineageId? lineage = null)
    {
        SnapshotTarget target = new(lineage ?? repository.Lineage, generation, parent);
        await using SnapshotWriter writer = await repository.Repository.BeginSnapshotAsync(target, new WriterOptions { Pool = repository.Pool, Workers = 1 }, None);
        writer.Hurry = false;
        repository.AppendAll(writer.OpenFile("pages-1.img", FileKind.Pages), [.. pages, .. new byte[1 << 20], .. pages[..5000]]);
        FileWriter small = writer.OpenFile("core-1.img", FileKind.Bytes);
        small.Write("some bytes"u8);
        small.Complete();
        writer.OpenFile("empty.img", FileKind.Bytes).Complete();
        ManifestContent content = TestRepository.Content("n") with
        {
            Labels = new Dictionary<string, string> { ["k"] = "v" },
            Workload = System.Text.Json.JsonDocument.Parse("""{"x":1}""").RootElement,
        };
        return await writer.CommitAsync(content, None);
    }

    private static async Task AssertSameAsync(TestRepository a, TestRepository b, SnapshotId id)
    {
        await using SnapshotReader left = await a.Repository.OpenSnapshotAsync(id, None);
        await using SnapshotReader right = await b.Repository.OpenSnapshotAsync(id, None);
        Assert.Equal(left.Files, right.Files);
        foreach (SnapshotFile file in left.Files)
        {
            Assert.Equal(await TestRepository.ReadAsync(left, file.Name), await TestRepository.ReadAsync(right, file.Name));
        }
    }

    /// <summary>The n-th upload after the opening fails, and every later one.</summary>
    private sealed class FailingPut(IBackend inner, int at) : Forwarding(inner)
    {
        private int _count;

        public override IObjectUpload BeginPut(string name, CancellationToken cancellationToken) =>
            Interlocked.Increment(ref _count) < at
                ? base.BeginPut(name, cancellationToken)
                : throw new RepositoryException(RepositoryCodes.StoreFailed, "the store failed") { ObjectName = name };
    }

    private sealed class CancelAt(CancellationTokenSource cancel, long bytes) : IProgress<CopyProgress>
    {
        public void Report(CopyProgress value)
        {
            if (value.BytesDone >= bytes)
            {
                cancel.Cancel();
            }
        }
    }
}
