using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Tests.Streaming;

public sealed class ServeFaultTests : StreamFixture
{
    [Fact]
    public async Task Damage_in_mid_file_closes_everything_before_a_wrong_byte_and_names_the_object()
    {
        MemoryImage image = new() { Damaged = ("pages-1.img", 5_000_000) };
        byte[] pages = RandomBytes(9_000_000);
        image.Add("pages-1.img", pages);
        image.Add("pages-2.img", RandomBytes(9_000_000, 2));
        (BlockPool pool, ImageServer server, Task run, FakeCriu criu) = await StartAsync(image, 8);

        using SafeFileHandle other = await On("other", () => criu.Open("pages-2.img")!);
        byte[] read = await On("read", () => criu.Read("pages-1.img"));

        Assert.True(read.Length <= 5_000_000);
        Same(pages[..read.Length], read);
        RepositoryException error = await Assert.ThrowsAsync<RepositoryException>(() => Within(run));
        Assert.Contains("packs/ab/abcd", error.Message, StringComparison.Ordinal);
        Assert.False(server.AllServedWhole(out _));
        Assert.True((await On("other", () => FakeCriu.ReadToEnd(other))).Length < 9_000_000);
        await Assert.ThrowsAnyAsync<Exception>(() => On("ask", () => criu.Open("core-1.img")));
        await server.DisposeAsync();
        Assert.Equal(pool.Count, pool.Free);
    }

    [Fact]
    public async Task Damage_in_a_small_file_is_found_before_criu_asks_for_it()
    {
        MemoryImage image = new() { Damaged = ("core-1.img", 0) };
        image.Add("core-1.img", RandomBytes(2000));
        BlockPool pool = Pool(2);
        await using ImageServer server = Serve(image, pool);

        await Assert.ThrowsAsync<RepositoryException>(() => Within(server.RunAsync(Myself, Token)));
    }

    [Fact]
    public async Task A_file_that_criu_closes_early_is_recorded_and_harms_no_other()
    {
        MemoryImage image = new();
        image.Add("pages-1.img", RandomBytes(20_000_000));
        image.Add("pages-2.img", Pages(9_000_000, 2));
        (BlockPool pool, ImageServer server, Task run, FakeCriu criu) = await StartAsync(image, 6);

        await On("early", () =>
        {
            using SafeFileHandle pages = criu.Open("pages-1.img")!;
            Assert.Equal(4096, FakeCriu.ReadToEnd(pages, 4096).Length);
        });
        Same(Pages(9_000_000, 2), await On("other", () => criu.Read("pages-2.img")));
        criu.Dispose();
        await Within(run);

        Assert.False(server.AllServedWhole(out string? missing));
        Assert.StartsWith("pages-1.img: ", missing, StringComparison.Ordinal);
        Assert.Equal(ServedFileState.ClosedEarly, server.Statistics!.Files[0].State);
        await server.DisposeAsync();
        Assert.Equal(pool.Count, pool.Free);
    }

    [Fact]
    public async Task A_small_file_that_is_closed_unread_counts_as_served()
    {
        MemoryImage image = new();
        image.Add("seccomp.img", RandomBytes(3000));
        (_, ImageServer server, Task run, FakeCriu criu) = await StartAsync(image, 2);

        await On("open", () =>
        {
            using SafeFileHandle file = criu.Open("seccomp.img")!;
            Assert.True(SpinWait.SpinUntil(() => Fds.BytesAvailable(file) == 3000, Patience));
        });
        criu.Dispose();
        await Within(run);

        Assert.True(server.AllServedWhole(out string? missing), missing);
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Criu_that_dies_while_everything_is_open_ends_the_run_and_frees_the_pool()
    {
        MemoryImage image = new();
        for (int i = 0; i < 20; i++)
        {
            image.Add($"pages-{i}.img", Pages(5_000_000, i));
        }
        (BlockPool pool, ImageServer server, Task run, FakeCriu criu) = await StartAsync(image, 8);

        await On("die", () =>
        {
            List<SafeFileHandle> open = [.. Enumerable.Range(0, 20).Select(i => criu.Open($"pages-{i}.img")!)];
            Thread.Sleep(100);
            criu.Dispose();
            open.ForEach(f => f.Dispose());
        });

        await Within(run);
        Assert.False(server.AllServedWhole(out _));
        await server.DisposeAsync();
        Assert.Equal(pool.Count, pool.Free);
    }

    [Fact]
    public async Task An_abort_while_the_store_stalls_ends_the_run_with_its_reason()
    {
        MemoryImage image = new();
        image.Gate.Reset();
        image.Add("pages-1.img", RandomBytes(20_000_000));
        (BlockPool pool, ImageServer server, Task run, FakeCriu criu) = await StartAsync(image, 6);
        using SafeFileHandle pages = await On("open", () => criu.Open("pages-1.img")!);
        long progress = server.LastProgress;
        await Task.Delay(100, Token);
        Assert.Equal(progress, server.LastProgress);

        server.Abort(new OperationFailedException("watchdog", "No progress."));

        Assert.Equal("watchdog", (await Assert.ThrowsAsync<OperationFailedException>(() => Within(run))).Code);
        Assert.Empty(await On("eof", () => FakeCriu.ReadToEnd(pages)));
        await server.DisposeAsync();
        Assert.Equal(pool.Count, pool.Free);
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("path")]
    [InlineData("no-pipe")]
    [InlineData("half")]
    public async Task What_criu_never_says_ends_the_stream(string what)
    {
        MemoryImage image = new();
        image.Add("core-1.img", RandomBytes(100));
        (_, ImageServer server, Task run, FakeCriu criu) = await StartAsync(image, 2);

        await On(what, () =>
        {
            criu.Connection.Write(what switch
            {
                "garbage" => RandomBytes(400, 3),
                "path" => FakeCriu.Request("../core-1.img"),
                "half" => FakeCriu.Request("core-1.img").AsSpan(0, 6),
                _ => [.. FakeCriu.Request("core-1.img"), 0],
            });
            if (what == "half")
            {
                criu.Dispose();
            }
        });

        await Assert.ThrowsAnyAsync<CheckpointerException>(() => Within(run));
        await server.DisposeAsync();
    }
}
