namespace Checkpointer.Repository.Tests.Incremental;

/// <summary>What a second snapshot stores when memory was changed in the ways that memory changes. Seeded; every byte is read back.</summary>
public sealed class ReuseTests
{
    private const int Pages = 6000;
    private const int RunPages = 16;
    private const long Memory = WriterOptions.DefaultParentMemory;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task An_idle_workload_costs_next_to_nothing(int seed)
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = Generations.Pages(Pages, seed);
        Generation first = await test.SnapshotAsync(1, Memory, ("pages-1.img", data));
        Generation second = await test.SnapshotAsync(2, Memory, ("pages-1.img", data));
        Assert.True(second.StoredShare < Generations.Idle, $"{second.StoredShare:P2} were stored again");
        Assert.Equal(data.Length, second.Progress.ReusedBytes);
        Assert.Equal(0, first.Progress.ReusedBytes);
        Assert.Equal(first.Info.Id, second.Use.Parent);
        Assert.True(second.Use.Whole);
        await test.MustHoldAsync(second.Info.Id, ("pages-1.img", data));
        await test.MustBeSoundAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Five_percent_overwritten_in_runs_store_twelve_at_most(int seed)
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = Generations.Pages(Pages, seed);
        Generation first = await test.SnapshotAsync(1, Memory, ("pages-1.img", data));
        Overwrite(data, Pages / RunPages * 5 / 100, seed);
        Generation second = await test.SnapshotAsync(2, Memory, ("pages-1.img", data));
        double share = (double)second.Info.BytesStored / first.Info.BytesStored;
        Assert.InRange(share, 0.04, 0.12);
        await test.MustHoldAsync(second.Info.Id, ("pages-1.img", data));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1000, 2)]
    [InlineData(777, 3)]
    public async Task Pages_inserted_early_shift_everything_and_cost_only_themselves(int inserted, int seed)
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = Generations.Pages(Pages, seed);
        await test.SnapshotAsync(1, Memory, ("pages-1.img", data));
        int at = 3 * Generations.Page;
        byte[] longer = [.. data[..at], .. Generations.Pages(inserted, 100 + seed), .. data[at..]];
        Generation second = await test.SnapshotAsync(2, Memory, ("pages-1.img", longer));
        MustStore(second, (long)inserted * Generations.Page);
        await test.MustHoldAsync(second.Info.Id, ("pages-1.img", longer));
    }

    [Fact]
    public async Task Pages_removed_early_cost_nothing()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = Generations.Pages(Pages, 1);
        await test.SnapshotAsync(1, Memory, ("pages-1.img", data));
        byte[] shorter = [.. data[..Generations.Page], .. data[(1001 * Generations.Page)..]];
        Generation second = await test.SnapshotAsync(2, Memory, ("pages-1.img", shorter));
        MustStore(second, 0);
        await test.MustHoldAsync(second.Info.Id, ("pages-1.img", shorter));
    }

    [Fact]
    public async Task Memory_that_was_put_into_another_order_is_found()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = Generations.Pages(Pages, 1);
        await test.SnapshotAsync(1, Memory, ("pages-1.img", data));
        const int Part = 500 * Generations.Page;
        byte[][] parts = [.. Enumerable.Range(0, data.Length / Part).Select(i => data[(i * Part)..((i + 1) * Part)])];
        new Random(1).Shuffle(parts);
        byte[] shuffled = [.. parts.SelectMany(static p => p)];
        Generation second = await test.SnapshotAsync(2, Memory, ("pages-1.img", shuffled));

        MustStore(second, 0, seams: parts.Length);
        await test.MustHoldAsync(second.Info.Id, ("pages-1.img", shuffled));
    }

    [Fact]
    public async Task Files_that_changed_their_names_and_were_split_are_found()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] a = Generations.Pages(Pages / 2, 1);
        byte[] b = Generations.Pages(Pages / 2, 2);
        await test.SnapshotAsync(1, Memory, ("pages-1.img", a), ("pages-2.img", b));
        int half = a.Length / 2 / Generations.Page * Generations.Page;
        (string, byte[])[] files = [("pages-1.img", b), ("pages-2.img", a[half..]), ("pages-3.img", a[..half])];
        Generation second = await test.SnapshotAsync(2, Memory, files);
        MustStore(second, 0);
        await test.MustHoldAsync(second.Info.Id, files);
    }

    [Fact]
    public async Task Small_files_are_found_too()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = TestRepository.Random(100_000, 1);
        for (int generation = 1; generation <= 2; generation++)
        {
            SnapshotTarget target = new(test.Lineage, generation, generation == 1 ? null : new SnapshotId(test.Lineage, 1));
            await using SnapshotWriter writer = await test.Repository.BeginSnapshotAsync(
                target, new WriterOptions { Pool = test.Pool, Workers = 1 }, CancellationToken.None);
            FileWriter file = writer.OpenFile("core-1.img", FileKind.Bytes);
            file.Write(data);
            file.Complete();
            await writer.CommitAsync(TestRepository.Content(), CancellationToken.None);
            Assert.Equal(generation == 1 ? 0 : data.Length, writer.Progress.ReusedBytes);
        }

        await test.MustHoldAsync(new SnapshotId(test.Lineage, 2), ("core-1.img", data));
    }

    [Fact]
    public async Task Zeroes_are_no_reuse()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = [.. Generations.Pages(100, 1), .. new byte[100 * Generations.Page]];
        await test.SnapshotAsync(1, Memory, ("f", data));
        Generation second = await test.SnapshotAsync(2, Memory, ("f", data));
        Assert.Equal(100 * Generations.Page, second.Progress.ReusedBytes);
        Assert.Equal(100 * Generations.Page, second.Progress.ZeroBytes);
    }

    [Fact]
    public async Task The_same_page_many_times_is_one_entry()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] page = Generations.Pages(1, 7);
        byte[] data = [.. Enumerable.Repeat(page, 4000).SelectMany(static p => p)];
        await test.SnapshotAsync(1, Memory, ("f", data));
        Generation second = await test.SnapshotAsync(2, Memory, ("f", data));
        Assert.True(second.StoredShare < Generations.Idle);
        await test.MustHoldAsync(second.Info.Id, ("f", data));
    }

    [Fact]
    public async Task Another_lineage_is_never_a_parent()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = Generations.Pages(500, 1);
        Generation first = await test.SnapshotAsync(1, Memory, ("f", data));
        Generation other = await test.SnapshotAsync(new SnapshotTarget(LineageId.New(), 1, first.Info.Id), Memory, ("f", data));
        Assert.Null(other.Use.Parent);
        Assert.Equal(0, other.Progress.ReusedBytes);
    }

    [Fact]
    public async Task Without_memory_for_it_everything_is_stored()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = Generations.Pages(500, 1);
        Generation first = await test.SnapshotAsync(1, 0, ("f", data));
        Generation second = await test.SnapshotAsync(2, 0, ("f", data));
        Assert.Equal(first.Info.Id, second.Info.Parent);
        Assert.Equal(0, second.Progress.ReusedBytes);
        Assert.True(second.StoredShare > 1);
    }

    private static void Overwrite(byte[] data, int runs, int seed)
    {
        Random random = new(1000 + seed);
        for (int i = 0; i < runs; i++)
        {
            int page = random.Next(Pages - RunPages);
            random.NextBytes(data.AsSpan(page * Generations.Page, RunPages * Generations.Page));
        }
    }

    /// <summary>Apart from the map, the new bytes and a chunk or two at each place where old and new meet.</summary>
    private static void MustStore(Generation generation, long fresh, int seams = 2)
    {
        long most = fresh + (2L * seams * FormatConstants.MaxChunk) + (long)(generation.Info.BytesCaptured * Generations.Idle);
        Assert.InRange(generation.Info.BytesStored, fresh, most);
    }
}
