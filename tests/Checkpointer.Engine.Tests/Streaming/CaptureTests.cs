using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Tests.Streaming;

public sealed class CaptureTests : StreamFixture
{
    [Fact]
    public async Task A_dump_in_criu_s_order_arrives_byte_for_byte_and_is_complete_before_the_socket_closes()
    {
        BlockPool pool = Pool(8);
        MemorySink sink = new(pool);
        byte[] pages = RandomBytes(3_500_000);
        byte[] extents = RandomBytes(1_081_279); // 60,000 extents
        await using CaptureServer server = Capture(sink, pool);
        Task run = server.RunAsync(Myself, Token);
        using FakeCriu criu = await On("criu", () => FakeCriu.ForDump(Dir));
        await On("dump", () =>
        {
            using SafeFileHandle files = criu.Create("files.img"); // stays open till the end
            Fds.WriteAll(files, [1, 2, 3]);
            using (SafeFileHandle pagemap = criu.Create("pagemap-7.img"))
            using (SafeFileHandle memory = criu.Create("pages-7.img"))
            {
                for (int i = 0; i < 10; i++)
                {
                    Fds.WriteAll(pagemap, extents.AsSpan(i * 108_128, Math.Min(108_128, extents.Length - (i * 108_128))));
                    Fds.WriteAll(memory, pages.AsSpan(i * 350_000, 350_000));
                }
            }
            criu.Write("core-7.img", RandomBytes(900, 2));
            criu.Write("empty.img", []);
            Fds.WriteAll(files, [4, 5]);
        });
        Assert.False(server.Complete.IsCompleted);
        await On("end", () => criu.Write("inventory.img", RandomBytes(40, 3)));

        await Within(server.Complete); // CRIU would now wait in post-dump
        Assert.False(run.IsCompleted);
        criu.Dispose();
        await Within(run);

        Same(pages, sink.Content("pages-7.img"));
        Same(extents, sink.Content("pagemap-7.img"));
        Same(RandomBytes(900, 2), sink.Content("core-7.img"));
        Assert.Equal([1, 2, 3, 4, 5], sink.Content("files.img"));
        Assert.Empty(sink.Content("empty.img"));
        Assert.Equal(FileKind.Pages, sink.Files["pages-7.img"].Kind);
        CaptureStatistics statistics = server.Statistics;
        Assert.Equal(pages.Length + extents.Length + 900 + 5 + 40, statistics.Bytes);
        Assert.Equal(pages.Length, statistics.PageBytes);
        Assert.Equal((6, 6), (statistics.FilesOpened, statistics.FilesClosed));
        Assert.NotNull(statistics.Completed);
        Assert.Equal(pool.Count, pool.Free);
    }

    [Fact]
    public async Task Full_blocks_are_handed_over_while_the_file_is_still_open()
    {
        BlockPool pool = Pool(4);
        MemorySink sink = new(pool);
        await using CaptureServer server = Capture(sink, pool);
        Task run = server.RunAsync(Myself, Token);
        using FakeCriu criu = await On("criu", () => FakeCriu.ForDump(Dir));
        using SafeFileHandle pages = await On("open", () => criu.Create("pages-1.img"));
        await On("write", () => Fds.WriteAll(pages, RandomBytes(BlockPool.BlockSize + 4096)));

        Assert.True(SpinWait.SpinUntil(() => sink.Files["pages-1.img"].Blocks == 1, Patience));

        await Finish(criu, pages, server, run);
        Assert.Equal(2, sink.Files["pages-1.img"].Blocks);
    }

    [Fact]
    public async Task More_open_bulk_files_than_blocks_do_not_wait_for_each_other()
    {
        const int files = 40;
        BlockPool pool = Pool(2);
        MemorySink sink = new(pool);
        byte[] content = RandomBytes(50_000);
        await using CaptureServer server = Capture(sink, pool);
        Task run = server.RunAsync(Myself, Token);
        using FakeCriu criu = await On("criu", () => FakeCriu.ForDump(Dir));
        await On("dump", () =>
        {
            List<SafeFileHandle> open = [.. Enumerable.Range(1, files).Select(i => criu.Create($"pages-{i}.img"))];
            for (int part = 0; part < 5; part++)
            {
                foreach (SafeFileHandle file in open)
                {
                    Fds.WriteAll(file, content.AsSpan(part * 10_000, 10_000));
                }
            }
            open.ForEach(file => file.Dispose());
            criu.Write("inventory.img", [1]);
        });

        await Within(server.Complete);
        criu.Dispose();
        await Within(run);

        for (int i = 1; i <= files; i++)
        {
            Same(content, sink.Content($"pages-{i}.img"));
        }
        Assert.Equal(pool.Count, pool.Free);
    }

    [Fact]
    public async Task A_slow_store_slows_criu_down_and_never_takes_more_than_the_pool()
    {
        BlockPool pool = Pool(3);
        MemorySink sink = new(pool) { Delay = TimeSpan.FromMilliseconds(20) };
        byte[] content = RandomBytes(20 * BlockPool.BlockSize);
        await using CaptureServer server = Capture(sink, pool);
        Task run = server.RunAsync(Myself, Token);
        using FakeCriu criu = await On("criu", () => FakeCriu.ForDump(Dir));
        await On("dump", () =>
        {
            criu.Write("pages-1.img", content);
            criu.Write("inventory.img", [1]);
        });
        await Within(server.Complete);
        criu.Dispose();
        await Within(run);

        Same(content, sink.Content("pages-1.img"));
        Assert.InRange(sink.MostRented, 1, pool.Count);
        Assert.True(server.Statistics.WaitedForMemory > TimeSpan.FromMilliseconds(100), $"waited {server.Statistics.WaitedForMemory}");
        Assert.Equal(pool.Count, pool.Free);
    }

    [Fact]
    public async Task A_stalled_store_shows_as_a_wait_without_progress_and_an_abort_ends_it()
    {
        BlockPool pool = Pool(2);
        MemorySink sink = new(pool);
        sink.Gate.Reset();
        await using CaptureServer server = Capture(sink, pool);
        Task run = server.RunAsync(Myself, Token);
        using FakeCriu criu = await On("criu", () => FakeCriu.ForDump(Dir));
        Task dump = On("dump", () => criu.Write("pages-1.img", RandomBytes(20 * BlockPool.BlockSize)));
        Assert.True(SpinWait.SpinUntil(() => server.Statistics.WaitingForMemory, Patience));
        long progress = server.LastProgress;
        await Task.Delay(100, Token);
        Assert.Equal(progress, server.LastProgress);

        server.Abort(new OperationFailedException("watchdog", "No progress."));

        Assert.Equal("watchdog", (await Assert.ThrowsAsync<OperationFailedException>(() => Within(run))).Code);
        Assert.Equal("watchdog", (await Assert.ThrowsAsync<OperationFailedException>(() => Within(server.Complete))).Code);
        PlatformException broken = await Assert.ThrowsAsync<PlatformException>(() => dump); // so CRIU fails and cures the task
        Assert.Equal(32, broken.Errno);
        sink.Gate.Set();
        Assert.True(SpinWait.SpinUntil(() => pool.Free == pool.Count, Patience));
    }

    internal static async Task Finish(FakeCriu criu, SafeFileHandle open, CaptureServer server, Task run)
    {
        open.Dispose();
        await On("end", () => criu.Write("inventory.img", [1]));
        await Within(server.Complete);
        criu.Dispose();
        await Within(run);
    }
}
