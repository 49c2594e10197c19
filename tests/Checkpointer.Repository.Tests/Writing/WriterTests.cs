using Checkpointer.Platform;

namespace Checkpointer.Repository.Tests;

public sealed class WriterTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task Of_two_writers_of_one_generation_one_commits_and_the_other_is_told()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await using SnapshotWriter a = test.Begin();
        await using SnapshotWriter b = test.Begin();
        test.AppendAll(a.OpenFile("f", FileKind.Pages), TestRepository.Random(100_000, 1));
        test.AppendAll(b.OpenFile("f", FileKind.Pages), TestRepository.Random(100_000, 2));
        object[] results = await Task.WhenAll(CommitAsync(a), CommitAsync(b));
        SnapshotInfo info = Assert.Single(results.OfType<SnapshotInfo>());
        RepositoryException e = Assert.Single(results.OfType<RepositoryException>());
        Assert.Equal(RepositoryCodes.GenerationTaken, e.Code);
        Assert.Equal(ObjectNames.Manifest(info.Id), e.ObjectName);
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(info.Id, None);
        Assert.Equal(TestRepository.Random(100_000, results[0] is SnapshotInfo ? 1 : 2), await TestRepository.ReadAsync(reader, "f"));

        static async Task<object> CommitAsync(SnapshotWriter writer)
        {
            try
            {
                return await writer.CommitAsync(TestRepository.Content(), None);
            }
            catch (RepositoryException e)
            {
                return e;
            }
        }
    }

    [Fact]
    public async Task After_a_drain_everything_appended_is_in_committed_packs()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await using SnapshotWriter writer = test.Begin(workers: 3);
        FileWriter pages = writer.OpenFile("pages", FileKind.Pages);
        FileWriter small = writer.OpenFile("small", FileKind.Bytes);
        byte[] data = TestRepository.Random((3 << 20) + 12345, 1);
        TestRepository.Append(test.Pool, pages, data);
        small.Write([1, 2, 3]);
        await writer.DrainAsync(None).WaitAsync(Patience);
        long packs = test.Memory.Names.Where(n => n.StartsWith(ObjectNames.PacksPrefix, StringComparison.Ordinal)).Sum(n => (long)test.Memory[n].Length);
        Assert.True(packs > data.Length, $"{packs} bytes in packs");
        Assert.Equal(test.Pool.Count, test.Pool.Free);

        // And more can follow, also a second drain with nothing new.
        TestRepository.Append(test.Pool, pages, data);
        await writer.DrainAsync(None).WaitAsync(Patience);
        await writer.DrainAsync(None).WaitAsync(Patience);
        pages.Complete();
        small.Complete();
        SnapshotInfo info = await writer.CommitAsync(TestRepository.Content(), None);
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(info.Id, None);
        byte[] twice = [.. data, .. data];
        Assert.Equal(twice, await TestRepository.ReadAsync(reader, "pages"));
        Assert.Equal((byte[])[1, 2, 3], await TestRepository.ReadAsync(reader, "small"));
    }

    [Fact]
    public async Task Held_workers_wait_until_the_pool_runs_low()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        using BlockPool pool = TestRepository.NewPool(16);
        await using SnapshotWriter writer = test.Begin(pool: pool);
        writer.HoldWorkers(true);
        FileWriter file = writer.OpenFile("f", FileKind.Pages);
        TestRepository.Append(pool, file, TestRepository.Random(8 << 20, 1));
        await Task.Delay(200);
        Assert.Equal(8, pool.Free);
        Assert.Equal(0, writer.Progress.BytesStored);

        // More than the pool holds: it would block for ever if the workers did not go on by themselves.
        await Task.Run(() => TestRepository.Append(pool, file, TestRepository.Random(20 << 20, 1))).WaitAsync(Patience);
        writer.HoldWorkers(false);
        file.Complete();
        SnapshotInfo info = await writer.CommitAsync(TestRepository.Content(), None);
        Assert.Equal(28 << 20, info.BytesCaptured);
    }

    [Fact]
    public async Task Held_workers_do_not_block_small_writes_or_a_drain()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await using SnapshotWriter writer = test.Begin();
        writer.HoldWorkers(true);
        FileWriter file = writer.OpenFile("f", FileKind.Bytes);
        byte[] data = TestRepository.Random(8 << 20, 1);
        await Task.Run(() => file.Write(data)).WaitAsync(Patience);
        file.Complete();
        SnapshotInfo info = await writer.CommitAsync(TestRepository.Content(), None).WaitAsync(Patience);
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(info.Id, None);
        Assert.Equal(data, await TestRepository.ReadAsync(reader, "f"));
    }

    [Fact]
    public async Task While_the_input_waits_and_the_store_is_fast_chunks_go_raw()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = TestRepository.Compressible(8 << 20, 1);

        // A clock that stands still makes the store no slower than the worker, however busy this machine is; and a held worker takes a
        // block only when the pool is nearly empty, which is what waiting input looks like.
        await using SnapshotWriter writer = await test.Repository.BeginSnapshotAsync(
            new SnapshotTarget(test.Lineage, 1, null),
            new WriterOptions { Pool = test.Pool, Workers = 1, Time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider() },
            None);
        writer.HoldWorkers(true);
        FileWriter file = writer.OpenFile("f", FileKind.Pages);
        for (int i = 0; i < 8; i++)
        {
            TestRepository.Append(test.Pool, file, data);
        }

        file.Complete();
        SnapshotInfo info = await writer.CommitAsync(TestRepository.Content(), None);
        WriterProgress progress = writer.Progress;
        Assert.True(progress.StoredRawStarved > info.BytesCaptured / 2, $"{progress.StoredRawStarved} of {info.BytesCaptured} went raw");
    }

    [Fact]
    public async Task When_the_store_is_the_slower_side_chunks_are_compressed()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        byte[] data = TestRepository.Compressible(8 << 20, 1);

        // On this clock only the store takes time, however busy this machine is.
        Microsoft.Extensions.Time.Testing.FakeTimeProvider clock = new();
        test.Faults.WriteDelay = TimeSpan.FromMilliseconds(20);
        test.Faults.Pass = clock.Advance;
        await using SnapshotWriter writer = await test.Repository.BeginSnapshotAsync(
            new SnapshotTarget(test.Lineage, 1, null), new WriterOptions { Pool = test.Pool, Workers = 1, Time = clock }, None);
        FileWriter file = writer.OpenFile("f", FileKind.Pages);
        for (int i = 0; i < 4; i++)
        {
            TestRepository.Append(test.Pool, file, data);
        }

        file.Complete();
        SnapshotInfo info = await writer.CommitAsync(TestRepository.Content(), None);
        Assert.True(test.Faults.Fired > 0);
        WriterProgress progress = writer.Progress;
        Assert.True(progress.CompressionTried > info.BytesCaptured / 2, $"{progress.CompressionTried} of {info.BytesCaptured} were tried");
        Assert.True(info.BytesStored < info.BytesCaptured * 0.8, $"{info.BytesStored} of {info.BytesCaptured} stored");
    }

    [Fact]
    public async Task Without_hurry_compressible_data_is_compressed_and_random_data_mostly_not_even_tried()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        using BlockPool pool = TestRepository.NewPool(40);
        foreach ((byte[] data, bool shrinks) in (IEnumerable<(byte[], bool)>)[(TestRepository.Compressible(16 << 20, 1), true), (TestRepository.Random(16 << 20, 1), false)])
        {
            await using SnapshotWriter writer = test.Begin(generation: shrinks ? 1 : 2, pool: pool);
            writer.Hurry = false;
            FileWriter file = writer.OpenFile("f", FileKind.Pages);
            TestRepository.Append(pool, file, data);
            file.Complete();
            SnapshotInfo info = await writer.CommitAsync(TestRepository.Content(), None);
            Assert.Equal(0, writer.Progress.StoredRawStarved);
            double stored = info.BytesStored / (double)data.Length;
            Assert.InRange(stored, 0, shrinks ? 0.8 : 1.005);
            Assert.InRange(writer.Progress.CompressionTried / (double)data.Length, shrinks ? 0.99 : 0.01, shrinks ? 1 : 0.15);
        }
    }

    [Fact]
    public async Task Progress_counts_what_came_in_and_what_was_zero()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await using SnapshotWriter writer = test.Begin();
        FileWriter file = writer.OpenFile("f", FileKind.Pages);
        TestRepository.Append(test.Pool, file, new byte[3 << 20]);
        TestRepository.Append(test.Pool, file, TestRepository.Random(1 << 20, 1));
        Assert.Equal(4 << 20, file.Length);
        await writer.DrainAsync(None);
        Assert.Equal(4 << 20, writer.Progress.BytesCaptured);
        Assert.Equal(3 << 20, writer.Progress.ZeroBytes);
        Assert.InRange(writer.Progress.BytesStored, 1 << 20, (1 << 20) + 100_000);
        Assert.Equal(0, writer.Progress.ReusedBytes);
    }

    [Fact]
    public async Task An_abort_leaves_only_objects_that_no_manifest_names()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        await using (SnapshotWriter writer = test.Begin())
        {
            TestRepository.Append(test.Pool, writer.OpenFile("f", FileKind.Pages), TestRepository.Random(5 << 20, 1));
            await writer.DrainAsync(None);
        }

        Assert.Empty(await test.Repository.ListAsync(None));
        CheckReport report = await test.Repository.CheckAsync(data: true, null, None);
        Assert.False(report.Damaged);
        Assert.NotEmpty(report.Findings);
        Assert.All(report.Findings, f => Assert.Equal("unreferenced-object", f.Code));
    }

    [Fact]
    public async Task Misuse_is_refused()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        Assert.Throws<ArgumentOutOfRangeException>(() => test.Begin(generation: 0));
        await using SnapshotWriter writer = test.Begin();
        FileWriter file = writer.OpenFile("f", FileKind.Bytes);
        Assert.Throws<ArgumentException>(() => writer.OpenFile("f", FileKind.Bytes));
        Assert.Throws<ArgumentException>(() => writer.OpenFile("", FileKind.Bytes));
        Assert.Throws<ArgumentException>(() => writer.OpenFile("a\nb", FileKind.Bytes));
        Assert.Throws<ArgumentException>(() => writer.OpenFile("\ud800", FileKind.Bytes));
        Assert.Throws<ArgumentException>(() => writer.OpenFile(new string('x', 256), FileKind.Bytes));
        writer.OpenFile(new string('ü', 255), FileKind.Bytes).Complete();
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.OpenFile("g", (FileKind)9));
        await Assert.ThrowsAsync<InvalidOperationException>(() => writer.CommitAsync(TestRepository.Content(), None));
        file.Complete();
        file.Complete();
        Assert.Throws<InvalidOperationException>(() => file.Write([1]));
        SnapshotInfo info = await writer.CommitAsync(TestRepository.Content(), None);
        await Assert.ThrowsAsync<InvalidOperationException>(() => writer.CommitAsync(TestRepository.Content(), None));
        Assert.Throws<InvalidOperationException>(() => writer.OpenFile("late", FileKind.Bytes));
        Assert.Equal(2, info.Files);
    }

    [Fact]
    public async Task Two_thousand_small_files_interleaved_come_back()
    {
        const int Count = 2000;
        await using TestRepository test = await TestRepository.NewAsync();
        await using SnapshotWriter writer = test.Begin();
        FileWriter[] files = [.. Enumerable.Range(0, Count).Select(i => writer.OpenFile($"core-{i}.img", FileKind.Bytes))];
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < Count; i++)
            {
                files[i].Write(TestRepository.Random(200 + (i % 97), (i * 3) + round));
            }
        }

        Array.ForEach(files, f => f.Complete());
        SnapshotInfo info = await writer.CommitAsync(TestRepository.Content(), None);
        Assert.Equal(Count, info.Files);
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(info.Id, None);
        for (int i = 0; i < Count; i += 37)
        {
            byte[] expected = [.. Enumerable.Range(0, 3).SelectMany(round => TestRepository.Random(200 + (i % 97), (i * 3) + round))];
            Assert.Equal(expected, await reader.ReadSmallFileAsync($"core-{i}.img", 4096, None));
        }
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_told()
    {
        await using TestRepository test = await TestRepository.NewAsync();
        SnapshotInfo info = await test.SnapshotAsync(1, null, ("f", [1]));
        await using SnapshotReader reader = await test.Repository.OpenSnapshotAsync(info.Id, None);
        Assert.True(reader.Contains("f"));
        Assert.False(reader.Contains("g"));
        Assert.Equal(RepositoryCodes.FileNotFound, Assert.Throws<RepositoryException>(() => reader.OpenFile("g")).Code);
    }
}
