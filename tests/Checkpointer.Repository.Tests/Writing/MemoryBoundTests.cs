using Checkpointer.Platform;
using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests;

/// <summary>Memory does not grow with the snapshot, and nothing is allocated per chunk.</summary>
[Collection(nameof(AloneCollection))]
public sealed class MemoryBoundTests
{
    private const int Mebibyte = 1 << 20;
    private const int MeanChunk = 21 << 10;

    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task Writing_allocates_less_than_a_map_entry_per_chunk()
    {
        using TemporaryDirectory directory = new();
        KeyFile key = KeyFile.LoadOrCreate(Path.Combine(directory.Path, "key"));
        await using CheckpointRepository repository = await CheckpointRepository.InitAsync(new DirectoryBackend(Path.Combine(directory.Path, "r")), key, None);
        byte[] block = TestRepository.Random(Mebibyte, 1);
        await WriteAsync(repository, 32, block);

        // The least of two: the measure is the whole process's, and how many entries come out of order is a matter of luck.
        double perChunk = Math.Min(await PerChunkAsync(), await PerChunkAsync());

        // Per block: a work item, entries that came before an earlier block's (48 bytes each), and, in DEBUG, the stack trace that the pool keeps of every rent (tens of KiB); per pack: a cipher and a file.
#if DEBUG
        const double Limit = 2000;
#else
        const double Limit = 48;
#endif
        Assert.True(perChunk < Limit, $"{perChunk:F1} bytes were allocated per chunk");

        async Task<double> PerChunkAsync()
        {
            long small = await WriteAsync(repository, 32, block);
            long large = await WriteAsync(repository, 160, block);
            return (large - small) / (128.0 * Mebibyte / MeanChunk);
        }
    }

    [Fact]
    public async Task What_a_writer_keeps_alive_does_not_grow_with_the_snapshot()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        NullPacks packs = new(test.Memory);
        await using CheckpointRepository repository = await CheckpointRepository.OpenAsync(packs, test.Key, None);
        await using SnapshotWriter writer = await repository.BeginSnapshotAsync(new SnapshotTarget(test.Lineage, 1, null), new WriterOptions { Pool = test.Pool, Workers = 2 }, CancellationToken.None);
        FileWriter[] files = [.. Enumerable.Range(0, 8).Select(i => writer.OpenFile($"pages-{i}", FileKind.Pages))];
        byte[] block = TestRepository.Random(Mebibyte, 1);
        Append(64);
        await writer.DrainAsync(None);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        Append(1024);
        await writer.DrainAsync(None);
        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown < WriterOptions.OverheadBytes(2), $"{grown} bytes more are alive after another GiB");
        Assert.True(grown < 6 * Mebibyte, $"{grown} bytes more are alive after another GiB");

        void Append(int blocks)
        {
            for (int i = 0; i < blocks; i++)
            {
                TestRepository.Append(test.Pool, files[i % files.Length], block);
            }
        }
    }

    [Fact]
    public async Task What_a_reader_keeps_alive_does_not_grow_with_the_snapshot()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = TestRepository.Random(96 * Mebibyte, 1);
        SnapshotInfo info = await test.SnapshotAsync(1, null, ("f", data));
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(info.Id, None);
        using FileReader file = reader.OpenFile("f");
        byte[] buffer = new byte[Mebibyte];
        long peak = 0;
        long before = GC.GetTotalMemory(forceFullCollection: true);
        while (await file.NextRunAsync(buffer.Length, None) is { } run)
        {
            await file.DecodeAsync(run, buffer, None);
            if (run.Offset % (8 * Mebibyte) < Mebibyte)
            {
                peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: true) - before);
            }
        }

        Assert.True(peak < SnapshotReader.DecodeBytes, $"{peak} bytes more were alive while reading");
    }

    private static async Task<long> WriteAsync(CheckpointRepository repository, int blocks, byte[] block)
    {
        using BlockPool pool = TestRepository.NewPool(8);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        await using SnapshotWriter writer = await repository.BeginSnapshotAsync(new SnapshotTarget(LineageId.New(), 1, null), new WriterOptions { Pool = pool, Workers = 2 }, CancellationToken.None);
        FileWriter file = writer.OpenFile("f", FileKind.Pages);
        for (int i = 0; i < blocks; i++)
        {
            TestRepository.Append(pool, file, block);
        }

        file.Complete();
        await writer.CommitAsync(TestRepository.Content(), None);
        return GC.GetTotalAllocatedBytes(precise: true) - before;
    }

    /// <summary>Forgets packs, so that only the writer's own memory counts.</summary>
    private sealed class NullPacks(IBackend inner) : Forwarding(inner)
    {
        public override IObjectUpload BeginPut(string name, CancellationToken cancellationToken) =>
            name.StartsWith(ObjectNames.PacksPrefix, StringComparison.Ordinal) ? new Nowhere() : base.BeginPut(name, cancellationToken);

        private sealed class Nowhere : IObjectUpload
        {
            public void Append(ReadOnlySpan<byte> data)
            {
            }

            public bool Commit() => true;

            public void Dispose()
            {
            }
        }
    }
}

/// <summary>Tests that measure the process's memory run while nothing else does.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;
