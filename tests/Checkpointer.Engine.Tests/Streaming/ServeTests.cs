using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Tests.Streaming;

public sealed class ServeTests : StreamFixture
{
    [Fact]
    public async Task Files_come_as_they_were_and_absent_ones_are_told()
    {
        MemoryImage image = new();
        byte[] inventory = RandomBytes(60, 2);
        byte[] pages = Pages(9_000_000);
        image.Add("inventory.img", inventory);
        image.Add("pages-1.img", pages);
        image.Add("empty.img", []);
        (BlockPool pool, ImageServer server, Task run, FakeCriu criu) = await StartAsync(image, 12);

        Same(inventory, await On("inventory", () => criu.Read("inventory.img")));
        Assert.Null(await On("absent", () => criu.Open("apparmor.img")));
        Assert.Empty(await On("empty", () => criu.Read("empty.img")));
        Assert.False(server.AllServedWhole(out string? missing));
        Assert.Contains("pages-1.img", missing, StringComparison.Ordinal);
        Same(pages, await On("pages", () => criu.Read("pages-1.img")));
        Assert.True(server.AllServedWhole(out missing), missing);
        criu.Dispose();
        await Within(run);

        Assert.True(server.AllServedWhole(out _));
        ServeStatistics statistics = server.Statistics!;
        Assert.Equal((inventory.Length + pages.Length, pages.Length, 1), (statistics.Bytes, statistics.PageBytes, statistics.Absent));
        Assert.All(statistics.Files, f => Assert.Equal(ServedFileState.Whole, f.State));
        await server.DisposeAsync();
        Assert.Equal(pool.Count, pool.Free);
    }

    [Fact]
    public async Task A_pagemap_larger_than_its_pipe_does_not_hold_up_its_pages()
    {
        MemoryImage image = new();
        byte[] extents = RandomBytes(3_600_000); // 200,000 extents
        byte[] pages = Pages(4_000_000);
        image.Add("pagemap-1.img", extents);
        image.Add("pages-1.img", pages);
        (_, ImageServer server, Task run, FakeCriu criu) = await StartAsync(image, MinimumBlocks(image));

        await On("criu", () =>
        {
            // As CRIU does: the head, then the pages are opened, then the rest of the extents, then the pages.
            using SafeFileHandle pagemap = criu.Open("pagemap-1.img")!;
            byte[] head = FakeCriu.ReadToEnd(pagemap, 4096);
            using SafeFileHandle memory = criu.Open("pages-1.img")!;
            byte[] rest = FakeCriu.ReadToEnd(pagemap);
            Same(extents, [.. head, .. rest]);
            Same(pages, FakeCriu.ReadToEnd(memory));
        });
        criu.Dispose();
        await Within(run);
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Two_hundred_siblings_read_at_the_minimum_budget_with_shared_memory_last()
    {
        const int siblings = 200;
        MemoryImage image = new();
        for (int i = 0; i < siblings; i++)
        {
            image.Add($"pagemap-{i}.img", RandomBytes(90_000, i)); // more than a pipe of the default size
            image.Add($"pages-{i}.img", Pages(700_000, i));
            image.Add($"core-{i}.img", RandomBytes(1500, i));
        }
        image.Add("pagemap-shmem-1.img", RandomBytes(200_000, 77));
        image.Add("pages-shmem.img", Pages(2_000_000, 78));
        (BlockPool pool, ImageServer server, Task run, FakeCriu criu) = await StartAsync(image, MinimumBlocks(image));

        await On("root", () =>
        {
            // Shared memory is opened first, by somebody who reads it when all the others are done.
            using SafeFileHandle shared = criu.Open("pages-shmem.img")!;
            using Barrier allOpen = new(siblings);
            Exception? failure = null;
            List<Thread> threads = [.. Enumerable.Range(0, siblings).Select(i => new Thread(() =>
            {
                try
                {
                    Same(RandomBytes(1500, i), criu.Read($"core-{i}.img"));
                    using SafeFileHandle pagemap = criu.Open($"pagemap-{i}.img")!;
                    byte[] head = FakeCriu.ReadToEnd(pagemap, 100);
                    using SafeFileHandle pages = criu.Open($"pages-{i}.img")!;
                    Assert.True(allOpen.SignalAndWait(Patience), "not all files could be opened at once");
                    Same(RandomBytes(90_000, i), [.. head, .. FakeCriu.ReadToEnd(pagemap)]);
                    Same(Pages(700_000, i), FakeCriu.ReadToEnd(pages));
                }
                catch (Exception e)
                {
                    failure = e;
                    criu.Dispose();
                }
            }))];
            threads.ForEach(t => t.Start());
            threads.ForEach(t => t.Join());
            Assert.Null(failure);
            Same(RandomBytes(200_000, 77), criu.Read("pagemap-shmem-1.img"));
            Same(Pages(2_000_000, 78), FakeCriu.ReadToEnd(shared));
        });
        Assert.True(server.AllServedWhole(out string? missing), missing);
        criu.Dispose();
        await Within(run);
        await server.DisposeAsync();
        Assert.Equal(pool.Count, pool.Free);
    }

    [Fact]
    public async Task A_reader_that_stops_does_not_stop_the_others()
    {
        MemoryImage image = new();
        image.Add("pages-1.img", Pages(30_000_000, 1));
        image.Add("pages-2.img", Pages(30_000_000, 2));
        (_, ImageServer server, Task run, FakeCriu criu) = await StartAsync(image, MinimumBlocks(image) + 4);

        using SafeFileHandle stuck = await On("open", () => criu.Open("pages-1.img")!);
        Same(Pages(30_000_000, 2), await On("read", () => criu.Read("pages-2.img")));
        Same(Pages(30_000_000, 1), await On("late", () => FakeCriu.ReadToEnd(stuck)));
        criu.Dispose();
        await Within(run);
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Chunks_are_decoded_side_by_side_and_handed_over_in_order()
    {
        // Nothing is decoded before two are to be.
        MemoryImage image = new() { GateOpensAt = 2 };
        image.Gate.Reset();
        byte[] pages = Pages(12_000_000);
        image.Add("pages-1.img", pages);
        (_, ImageServer server, Task run, FakeCriu criu) = await StartAsync(image, 12);

        Same(pages, await On("pages", () => criu.Read("pages-1.img")));

        Assert.True(image.MostDecodes >= 2, $"at most {image.MostDecodes} at once");
        criu.Dispose();
        await Within(run);
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_file_asked_for_again_is_served_again_also_while_the_first_is_open()
    {
        MemoryImage image = new();
        byte[] content = RandomBytes(500_000);
        image.Add("userns-1.img", content);
        (_, ImageServer server, Task run, FakeCriu criu) = await StartAsync(image, 4);

        using SafeFileHandle first = await On("first", () => criu.Open("userns-1.img")!);
        Same(content, await On("second", () => criu.Read("userns-1.img")));
        Same(content, await On("first", () => FakeCriu.ReadToEnd(first)));
        Same(content, await On("third", () => criu.Read("userns-1.img")));
        criu.Dispose();
        await Within(run);
        Assert.True(server.AllServedWhole(out _));
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Replaced_content_is_served_instead_and_for_absent_files_too()
    {
        MemoryImage image = new();
        image.Add("files.img", RandomBytes(1000));
        Dictionary<string, ReadOnlyMemory<byte>?> replaced = new() { ["files.img"] = RandomBytes(200_000, 5), ["tty-info.img"] = Array.Empty<byte>() };
        BlockPool pool = Pool(2);
        ImageServer server = Serve(image, pool, name => replaced.GetValueOrDefault(name));
        Task run = server.RunAsync(Myself, Token);
        using FakeCriu criu = await On("criu", () => FakeCriu.ForRestore(Dir));

        Same(RandomBytes(200_000, 5), await On("files", () => criu.Read("files.img")));
        Assert.Empty(await On("tty", () => criu.Read("tty-info.img")));
        Assert.Null(await On("absent", () => criu.Open("tty-data.img")));
        criu.Dispose();
        await Within(run);
        Assert.True(server.AllServedWhole(out _));
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_pool_below_the_minimum_is_refused_with_the_number_that_would_do()
    {
        MemoryImage image = new();
        for (int i = 0; i < 40; i++)
        {
            image.Add($"pages-{i}.img", RandomBytes(200_000));
        }
        BlockPool pool = Pool(5);
        await using ImageServer server = Serve(image, pool);

        UsageException error = await Assert.ThrowsAsync<UsageException>(() => Within(server.RunAsync(Myself, Token)));

        Assert.Equal("budget-too-small", error.Code);
        Assert.Contains(ByteSize.Format(ServeBudget.MinimumBytes(image.Files)), error.Message, StringComparison.Ordinal);
        Assert.Equal(6 * (BlockPool.BlockSize + BlockPool.Headroom), ServeBudget.MinimumBytes(image.Files)); // 40 slots in 5 blocks, and one
        Assert.Equal(pool.Count, pool.Free);
    }

    private static int MinimumBlocks(MemoryImage image) =>
        (int)(ServeBudget.MinimumBytes(image.Files) / (BlockPool.BlockSize + BlockPool.Headroom));
}
