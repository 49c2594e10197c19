using System.Diagnostics;

namespace Checkpointer.Repository.Tests.Incremental;

/// <summary>What a search keeps alive is what was set aside for it, whatever the size of the parent.</summary>
[Collection(nameof(AloneCollection))]
public sealed class SearchMemoryTests
{
    private const long Mebibyte = 1 << 20;

    [Theory]
    [InlineData(40)]
    [InlineData(400)]
    public async Task A_search_stays_within_its_memory(int segments)
    {
        const long Memory = 4 * Mebibyte;
        using SyntheticParent parent = new(segments);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await using ParentSearch search = await parent.OpenAsync(Memory);
        long peak = GC.GetTotalMemory(forceFullCollection: true) - before;
        for (long chunk = 0; chunk < parent.Chunks; chunk++)
        {
            search.TryFind(SyntheticParent.Hash(chunk), SyntheticParent.RawLength, out _);
            if (chunk % 20_000 == 0)
            {
                peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: true) - before);
            }
        }

        Assert.True(peak <= WriterOptions.ParentOverheadBytes(Memory), $"{peak} bytes were alive");
    }

    /// <summary>1.8 GB of map in the temporary directory.</summary>
    [Fact]
    [Trait("Length", "Long")]
    public async Task A_tebibyte_is_searched_within_32_mebibytes()
    {
        const long Memory = 32 * Mebibyte;
        const int Segments = (int)((1L << 40) / SyntheticParent.RawLength / FormatConstants.MaxSegmentEntries);
        const long Part = 2_000_000;
        using TemporaryDirectory directory = new();
        await using DirectoryBackend backend = new(directory.Path);
        using SyntheticParent parent = new(Segments, backend);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        Stopwatch clock = Stopwatch.StartNew();
        await using ParentSearch search = await parent.OpenAsync(Memory);
        TimeSpan opened = clock.Elapsed;
        clock.Restart();
        long found = 0;
        long looked = 0;
        long peak = 0;

        // Four stretches of 40 GiB each, in another order than in the parent.
        foreach (long start in (long[])[40_000_000, 0, 25_000_000, 10_000_000])
        {
            for (long chunk = start; chunk < start + Part; chunk++)
            {
                found += search.TryFind(SyntheticParent.Hash(chunk), SyntheticParent.RawLength, out _) ? 1 : 0;
                if (++looked % 200 == 0)
                {
                    Thread.Sleep(1);
                }
            }

            peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: true) - before);
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"map read in {opened.TotalSeconds:F1} s; {looked} lookups in {clock.Elapsed.TotalSeconds:F1} s, found {100.0 * found / looked:F2} %, {search.Loads} segments loaded, {peak >> 20} MiB alive");
        Assert.True(peak <= WriterOptions.ParentOverheadBytes(Memory), $"{peak} bytes were alive");
        Assert.InRange(found, (long)(looked * 0.98), looked);
    }
}
