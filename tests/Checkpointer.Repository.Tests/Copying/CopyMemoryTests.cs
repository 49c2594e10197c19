using Checkpointer.Platform;

namespace Checkpointer.Repository.Tests;

[Collection(Alone.Name)]
public sealed class CopyMemoryTests
{
    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task Memory_does_not_grow_with_the_snapshot()
    {
        using TemporaryDirectory place = new();
        KeyFile key = KeyFile.LoadOrCreate(Path.Combine(place.Path, "key"));
        await using CheckpointRepository source = await CheckpointRepository.InitAsync(new DirectoryBackend(Path.Combine(place.Path, "a")), key, None);
        await using CheckpointRepository target = await CheckpointRepository.InitAsync(new DirectoryBackend(Path.Combine(place.Path, "b")), key, None);
        long[] allocated = new long[2];
        foreach (int i in (int[])[0, 1])
        {
            SnapshotId id = await LargeAsync(source, blocks: i == 0 ? 8 : 72);
            long before = GC.GetTotalAllocatedBytes(precise: true);
            Assert.Equal(CopyOutcome.Copied, Assert.Single(await new RepositoryCopy(source, target, new CopyOptions { Workers = 2 }).RunAsync([id], null, None)).Outcome);
            allocated[i] = GC.GetTotalAllocatedBytes(precise: true) - before;
        }

        // The arrays are rented; what is left per chunk is its entry in the map, on both sides. A collection may empty the pool of arrays, which are then
        // made anew: some MiB. Chunks that were kept would be all 64.
        Assert.True(allocated[1] - allocated[0] < 32 << 20, $"64 MiB more took {ByteSize.Format(allocated[1] - allocated[0])}");
    }

    private static async Task<SnapshotId> LargeAsync(CheckpointRepository repository, int blocks)
    {
        using BlockPool pool = TestRepository.NewPool(TestRepository.PoolBlocks);
        SnapshotTarget target = new(LineageId.New(), 1, null);
        await using SnapshotWriter writer = await repository.BeginSnapshotAsync(target, new WriterOptions { Pool = pool, Workers = 1 }, None);
        FileWriter file = writer.OpenFile("pages-1.img", FileKind.Pages);
        byte[] data = TestRepository.Random(BlockPool.BlockSize, blocks);
        for (int i = 0; i < blocks; i++)
        {
            data[0] = (byte)i;
            TestRepository.Append(pool, file, data);
        }

        file.Complete();
        return (await writer.CommitAsync(TestRepository.Content(), None)).Id;
    }
}
