namespace Checkpointer.Repository.Tests;

/// <summary>Runs that lie side by side in the store, though not in the file, are one read.</summary>
public sealed class JoinTests
{
    private const int Stretch = 64 << 10;
    private const int Stretches = 24;

    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task Runs_with_zeroes_between_them_are_fetched_at_once_and_decode_to_the_same()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = Striped();
        SnapshotInfo snapshot = await test.SnapshotAsync(1, "striped", ("pages-1.img", data));
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(snapshot.Id, None);
        List<ChunkRun> runs = await RunsAsync(reader);
        Assert.Equal(Stretches, runs.Count);
        int reads = 0;
        test.Faults.CorruptRead = (name, _, _) => Interlocked.Add(ref reads, name.StartsWith("packs/", StringComparison.Ordinal) ? 1 : 0);

        byte[] decoded = new byte[Stretches * Stretch];
        await Assert.Single(reader.Decode([.. runs.Select((r, i) => new RunTarget(r, decoded.AsMemory(i * Stretch, Stretch)))], 1, None));

        Assert.True(decoded.AsSpan().SequenceEqual(data.Chunk(Stretch).Where((_, i) => i % 2 == 0).SelectMany(s => s).ToArray()));
        // A read is of 1 MiB at most.
        Assert.Equal(2, reads);
        Assert.Equal((2, 0), (reader.Statistics.Requests, reader.Statistics.Again));
    }

    [Fact]
    public async Task Bytes_that_changed_on_their_way_are_read_again_and_only_what_stays_wrong_is_damage()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = TestRepository.Random(Stretch, 1);
        SnapshotInfo snapshot = await test.SnapshotAsync(1, "one", ("pages-1.img", data));
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(snapshot.Id, None);
        ChunkRun run = Assert.Single(await RunsAsync(reader));
        int wrong = 1;
        test.Faults.CorruptRead = (_, _, read) => read.Span[1000] ^= (byte)(wrong-- > 0 ? 1 : 0);
        byte[] decoded = new byte[Stretch];

        await reader.Decode([new RunTarget(run, decoded)], 1, None)[0];
        Assert.True(decoded.AsSpan().SequenceEqual(data));
        Assert.Equal((2, run.StoredLength), (reader.Statistics.Requests, reader.Statistics.Again));

        wrong = 2;
        RepositoryException error = await Assert.ThrowsAsync<RepositoryException>(() => reader.Decode([new RunTarget(run, decoded)], 1, None)[0]);
        Assert.Equal(RepositoryCodes.Damaged, error.Code);
        Assert.Equal(0, wrong);
    }

    [Fact]
    public void Reads_come_in_the_order_of_need_and_bridge_small_gaps_only()
    {
        PackReference[] packs = [new(ObjectId.New(), 1 << 26), new(ObjectId.New(), 1 << 26)];

        // As two workers leave it: the file's parts alternate between two packs; the last one lies apart.
        List<RunTarget> needs = [Run(1, 5000, 0), Run(0, 40, 1), Run(1, 6028, 0), Run(0, 1168, 1), Run(0, 90_000, 2)];
        List<PackRead> reads = ReadPlan.Make(needs, maxGap: 100, maxBytes: 1 << 20);

        Assert.Equal([(packs[1].Id, 5000, 2056), (packs[0].Id, 40, 2156), (packs[0].Id, 90_000, 1028)], reads.Select(r => (r.Pack, r.Start, r.Length)));
        Assert.Equal([[0], [1], [2]], reads.Select(r => r.Groups));
        Assert.Equal(5, ReadPlan.Make(needs, maxGap: 100, maxBytes: 1028).Count);
        Assert.Equal(4, ReadPlan.Make(needs, maxGap: 0, maxBytes: 1 << 20).Count);

        RunTarget Run(int pack, int offset, int group) => new(
            new ChunkRun(0, 1000, isZero: false) { Pack = packs[pack], Chunks = new[] { new ChunkEntry(EntryKind.Chunk, 1, pack, offset, offset, 1000, 1028) } },
            new byte[1000],
            group);
    }

    [Fact]
    public async Task Content_that_occurs_twice_is_fetched_once_where_it_is_asked_for_together()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = TestRepository.Random(Stretch, 1);
        SnapshotInfo snapshot = await test.SnapshotAsync(1, "one", ("pages-1.img", data));
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(snapshot.Id, None);
        ChunkRun run = Assert.Single(await RunsAsync(reader));
        byte[] first = new byte[Stretch];
        byte[] second = new byte[Stretch];

        await Task.WhenAll(reader.Decode([new RunTarget(run, first), new RunTarget(run, second, 1)], 2, None));
        Assert.Equal((1, 0), (reader.Statistics.Requests, reader.Statistics.Again));
        Assert.True(first.AsSpan().SequenceEqual(data) && second.AsSpan().SequenceEqual(data));

        await Task.WhenAll(reader.Decode([new RunTarget(run, first)], 1, None));
        Assert.Equal((2, run.StoredLength), (reader.Statistics.Requests, reader.Statistics.Again));
    }

    /// <summary>Random bytes and zeroes in turn.</summary>
    private static byte[] Striped()
    {
        byte[] data = new byte[2 * Stretches * Stretch];
        for (int i = 0; i < Stretches; i++)
        {
            TestRepository.Random(Stretch, i + 1).CopyTo(data, 2 * i * Stretch);
        }

        return data;
    }

    /// <summary>The stored runs of the file, zeroes left out.</summary>
    private static async Task<List<ChunkRun>> RunsAsync(SnapshotReader reader)
    {
        using FileReader file = reader.OpenFile("pages-1.img");
        List<ChunkRun> runs = [];
        while (await file.NextRunAsync(1 << 20, None) is { } run)
        {
            if (!run.IsZero)
            {
                runs.Add(run);
            }
        }

        return runs;
    }
}
