using System.Security.Cryptography;
using Checkpointer.Platform;
using Checkpointer.Testing;

namespace Checkpointer.Repository.Tests;

/// <summary>A fresh repository in memory behind a fault backend, with a key file in a directory of its own, and the few steps that every test needs.</summary>
internal sealed class TestRepository : IAsyncDisposable
{
    public const int PoolBlocks = 8;

    private readonly TemporaryDirectory _directory = new();

    private TestRepository()
    {
        Faults = new FaultBackend(Memory);
        Key = KeyFile.LoadOrCreate(Path.Combine(_directory.Path, "key"));
    }

    public MemoryBackend Memory { get; } = new();

    public FaultBackend Faults { get; }

    public KeyFile Key { get; }

    public BlockPool Pool { get; } = NewPool(PoolBlocks);

    public CheckpointRepository Repository { get; private set; } = null!;

    public LineageId Lineage { get; } = LineageId.New();

    public static BlockPool NewPool(int blocks) => new((long)blocks * (BlockPool.BlockSize + BlockPool.Headroom));

    public static async Task<TestRepository> NewAsync()
    {
        TestRepository test = new();
        test.Repository = await CheckpointRepository.InitAsync(test.Faults, test.Key, CancellationToken.None);
        return test;
    }

    public static ManifestContent Content(string? name = null) =>
        new() { Name = name, Created = DateTimeOffset.UnixEpoch, Node = "node-a", Intent = "final" };

    public Task<CheckpointRepository> ReopenAsync() => CheckpointRepository.OpenAsync(Faults, Key, CancellationToken.None);

    public SnapshotWriter Begin(long generation = 1, SnapshotId? parent = null, int workers = 2, BlockPool? pool = null) =>
        BeginAsync(generation, parent, workers, pool).GetAwaiter().GetResult();

    public Task<SnapshotWriter> BeginAsync(long generation = 1, SnapshotId? parent = null, int workers = 2, BlockPool? pool = null) =>
        Repository.BeginSnapshotAsync(
            new SnapshotTarget(Lineage, generation, parent), new WriterOptions { Pool = pool ?? Pool, Workers = workers }, CancellationToken.None);

    /// <summary>One snapshot of these files, in blocks, by one worker (so in one pack where it fits).</summary>
    public async Task<SnapshotInfo> SnapshotAsync(long generation, string? name, params (string Name, byte[] Data)[] files)
    {
        await using SnapshotWriter writer = Begin(generation, workers: 1);
        foreach ((string file, byte[] data) in files)
        {
            AppendAll(writer.OpenFile(file, FileKind.Pages), data);
        }

        return await writer.CommitAsync(Content(name), CancellationToken.None);
    }

    public void AppendAll(FileWriter file, ReadOnlySpan<byte> data)
    {
        Append(Pool, file, data);
        file.Complete();
    }

    public static void Append(BlockPool pool, FileWriter file, ReadOnlySpan<byte> data)
    {
        while (data.Length > 0)
        {
            Block block = pool.Rent(CancellationToken.None);
            int length = Math.Min(BlockPool.BlockSize, data.Length);
            data[..length].CopyTo(block.Span);
            block.Length = length;
            data = data[length..];
            file.Append(block);
        }
    }

    public static async Task<byte[]> ReadAsync(SnapshotReader reader, string name)
    {
        using FileReader file = reader.OpenFile(name);
        byte[] data = new byte[file.File.Length];
        data.AsSpan().Fill(0xA5);
        long expected = 0;
        while (await file.NextRunAsync(FileReader.MaxChunk, CancellationToken.None) is { } run)
        {
            Assert.Equal(expected, run.Offset);
            await file.DecodeAsync(run, data.AsMemory((int)run.Offset, run.RawLength), CancellationToken.None);
            expected += run.RawLength;
        }

        Assert.Equal(data.Length, expected);
        return data;
    }

    public static byte[] Random(int length, int seed)
    {
        byte[] data = new byte[length];
        new Random(seed).NextBytes(data);
        return data;
    }

    /// <summary>Bytes that LZ4 shortens to about a half: words of a small vocabulary.</summary>
    public static byte[] Compressible(int length, int seed)
    {
        Random random = new(seed);
        byte[][] words = [.. Enumerable.Range(0, 64).Select(_ => RandomNumberGenerator.GetBytes(random.Next(4, 24)))];
        byte[] data = new byte[length];
        int at = 0;
        while (at < length)
        {
            byte[] word = words[random.Next(words.Length)];
            int count = Math.Min(word.Length, length - at);
            word.AsSpan(0, count).CopyTo(data.AsSpan(at));
            at += count;
        }

        return data;
    }

    public async ValueTask DisposeAsync()
    {
        if (Repository is not null)
        {
            await Repository.DisposeAsync();
        }

        // Every block came back, whatever the test did to the writer.
        Assert.True(SpinWait.SpinUntil(() => Pool.Free == Pool.Count, TimeSpan.FromSeconds(60)), $"{Pool.Outstanding} blocks were not given back");
        Pool.Dispose();
        _directory.Dispose();
    }
}
