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
        test.Faults.CorruptRead = (name, _, _) => reads += name.StartsWith("packs/", StringComparison.Ordinal) ? 1 : 0;

        ChunkRun whole = runs.Skip(1).Aggregate(runs[0], (all, next) => all.Join(next, int.MaxValue)!);
        Assert.Equal(Stretches * Stretch, whole.RawLength);
        byte[] decoded = new byte[whole.RawLength];
        using FileReader file = reader.OpenFile("pages-1.img");
        await file.DecodeAsync(whole, decoded, None);

        Assert.True(decoded.AsSpan().SequenceEqual(data.Chunk(Stretch).Where((_, i) => i % 2 == 0).SelectMany(s => s).ToArray()));
        // The decoder's own pieces are of 1 MiB.
        Assert.InRange(reads, 2, 3);
    }

    [Fact]
    public async Task What_is_too_long_or_apart_or_zero_is_not_joined()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        SnapshotInfo snapshot = await test.SnapshotAsync(1, "striped", ("pages-1.img", Striped()));
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(snapshot.Id, None);
        List<ChunkRun> runs = await RunsAsync(reader);

        Assert.Null(runs[0].Join(null, int.MaxValue));
        Assert.Null(runs[0].Join(runs[2], int.MaxValue));
        Assert.Null(runs[1].Join(runs[0], int.MaxValue));
        Assert.Null(runs[0].Join(runs[1], runs[0].StoredLength + runs[1].StoredLength - 1));
        Assert.NotNull(runs[0].Join(runs[1], runs[0].StoredLength + runs[1].StoredLength));
        Assert.Null(runs[0].Join(new ChunkRun(Stretch, Stretch, isZero: true), int.MaxValue));
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
