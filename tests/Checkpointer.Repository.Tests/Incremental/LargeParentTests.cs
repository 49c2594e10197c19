namespace Checkpointer.Repository.Tests.Incremental;

/// <summary>
/// Parents that do not fit into the memory for them: 200 segments (4 GiB of image) against memory for a seventh of it, with loaders that keep up.
/// A tebibyte against 64 MiB is the same proportion of window to image.
/// </summary>
public sealed class LargeParentTests
{
    private const int Segments = 200;
    private const long Memory = 2 << 20;

    /// <summary>Chunks (4 MiB) between pauses for the loaders.</summary>
    private const int Pace = 200;

    [Fact]
    public async Task Unchanged_memory_is_found()
    {
        using SyntheticParent parent = new(Segments);
        await using ParentSearch search = await parent.OpenAsync(Memory);
        MustFind(search, [(0, parent.Chunks)], 0.99);
        Assert.True(search.Loads > Segments / 2, $"{search.Loads} segments were loaded, so it was no large parent");
    }

    [Fact]
    public async Task Content_that_moved_to_another_place_or_file_is_found()
    {
        using SyntheticParent parent = new(Segments);
        await using ParentSearch search = await parent.OpenAsync(Memory);
        const int Part = 10_000;
        (long First, long Count)[] parts = [.. Enumerable.Range(0, (int)(parent.Chunks / Part)).Select(static i => ((long)i * Part, (long)Part))];
        new Random(1).Shuffle(parts);
        MustFind(search, parts, 0.95);
    }

    [Fact]
    public async Task New_memory_before_the_rest_does_not_lose_the_place()
    {
        using SyntheticParent parent = new(Segments);
        await using ParentSearch search = await parent.OpenAsync(Memory);
        long found = Find(search, [(1L << 40, 2000), (0, parent.Chunks)]);
        Assert.InRange(found, (long)(parent.Chunks * 0.99), parent.Chunks);
    }

    [Fact]
    public async Task Memory_that_was_removed_does_not_lose_the_place()
    {
        using SyntheticParent parent = new(Segments);
        await using ParentSearch search = await parent.OpenAsync(Memory);
        (long, long)[] left = [(0, 10_000), (60_000, 40_000), (150_000, parent.Chunks - 150_000)];
        MustFind(search, left, 0.97);
    }

    [Fact]
    public async Task Several_threads_may_search_at_once()
    {
        using SyntheticParent parent = new(Segments);
        await using ParentSearch search = await parent.OpenAsync(Memory);
        long quarter = parent.Chunks / 4;
        // Threads of their own, as workers are: the loaders need those of the pool.
        long[] found = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Factory.StartNew(
            () => Find(search, [(i * quarter, quarter)]), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Assert.InRange(found.Sum(), (long)(parent.Chunks * 0.95), parent.Chunks);
    }

    [Fact]
    public async Task A_parent_that_cannot_be_read_any_more_only_costs_its_reuse()
    {
        using SyntheticParent parent = new(Segments);
        await using ParentSearch search = await parent.OpenAsync(Memory);
        parent.Memory.Remove(parent.MapName);
        long found = Find(search, [(0, parent.Chunks)]);
        Assert.InRange(found, 1000, parent.Chunks / 3);
    }

    [Fact]
    public async Task A_damaged_segment_only_costs_its_reuse()
    {
        using SyntheticParent parent = new(Segments);
        await using ParentSearch search = await parent.OpenAsync(Memory);
        byte[] map = parent.Memory[parent.MapName];
        map[map.Length / 2] ^= 1;
        Find(search, [(0, parent.Chunks)]);
    }

    [Fact]
    public async Task Chunks_of_another_length_are_other_chunks()
    {
        using SyntheticParent parent = new(4);
        await using ParentSearch search = await parent.OpenAsync(16 << 20);
        Assert.True(search.TryFind(SyntheticParent.Hash(7), SyntheticParent.RawLength, out ChunkEntry entry));
        Assert.Equal(SyntheticParent.Hash(7), entry.Hash);
        Assert.False(search.TryFind(SyntheticParent.Hash(7), SyntheticParent.RawLength - 1, out _));
        Assert.False(search.TryFind(SyntheticParent.Hash(-7), SyntheticParent.RawLength, out _));
    }

    /// <summary>1 TiB as a table of numbers: what is allocated is exactly what the constants say, and enough samples fit.</summary>
    [Theory]
    [InlineData(WriterOptions.DefaultParentMemory, 26)]
    [InlineData(32L << 20, 55)]
    public void A_tebibyte_fits_into_the_stated_memory(long memory, long rate)
    {
        const long Entries = (1L << 40) / SyntheticParent.RawLength;
        const long Segments = Entries / FormatConstants.MaxSegmentEntries;
        const long Packs = (1L << 40) / FormatConstants.PackTarget;
        const int Files = 1000;
        ReuseBudget budget = ReuseBudget.For(memory, (Segments * 24) + (Packs * 24) + (Files * 40), Files);
        Assert.True(budget.IsEnough);
        Assert.True((Segments * ParentLayout.SegmentBytes) + (Packs * 40) < budget.Index);
        SampleTable samples = new(Entries, budget.SampleBytes);
        Assert.InRange(samples.Rate, 2, rate);
        long lines = ResidentTable.LinesIn(budget.EntryBytes);
        ResidentTable table = new(lines);
        Assert.True(table.MemoryBytes + samples.MemoryBytes + budget.Index <= memory);

        // Room for many times what is read ahead.
        Assert.True(lines / ResidentTable.LinesOf(FormatConstants.MaxSegmentEntries) > ParentWindow.MaxAhead * 8);
    }

    private static void MustFind(ParentSearch search, (long First, long Count)[] parts, double share)
    {
        long wanted = parts.Sum(static p => p.Count);
        Assert.InRange(Find(search, parts), (long)(wanted * share), wanted);
    }

    private static long Find(ParentSearch search, (long First, long Count)[] parts)
    {
        long found = 0;
        long looked = 0;
        foreach ((long first, long count) in parts)
        {
            for (long chunk = first; chunk < first + count; chunk++)
            {
                UInt128 hash = SyntheticParent.Hash(chunk);
                if (search.TryFind(hash, SyntheticParent.RawLength, out ChunkEntry entry))
                {
                    Assert.Equal(hash, entry.Hash);
                    found++;
                }

                if (++looked % Pace == 0)
                {
                    GiveLoadersTime(search);
                }
            }
        }

        return found;
    }

    /// <summary>What is asked for is there before it is needed: how fast the loaders are is not what these tests are about.</summary>
    private static void GiveLoadersTime(ParentSearch search) =>
        Assert.True(SpinWait.SpinUntil(() => search.Pending == 0, TimeSpan.FromMinutes(1)));
}
