using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Tests.Streaming;

/// <summary>What a store is asked for before anything of it has come: how much, in which order, within which memory. The store answers when the test says so.</summary>
public sealed class PrefetchTests : StreamFixture
{
    private const int Mebibyte = 1 << 20;
    private const int Blocks = 40;

    [Fact]
    public async Task The_read_ahead_of_an_open_file_is_asked_for_in_its_order_before_a_byte_has_come_and_no_more_than_the_budget()
    {
        MemoryImage image = Far();
        byte[] pages = RandomBytes(60 * Mebibyte);
        image.Add("pages-1.img", pages);
        (_, ImageServer server, Task run, FakeCriu criu) = await StartAsync(image, Blocks);
        // A file that is opened before its head was asked for needs no head.
        Assert.True(SpinWait.SpinUntil(() => Asked(image) > 0, Patience));

        using SafeFileHandle file = await On("open", () => criu.Open("pages-1.img")!);
        // The head in its slot, and 16 blocks as the source advises.
        long expected = FileReader.MaxChunk + (16 * Mebibyte);
        Assert.True(SpinWait.SpinUntil(() => Asked(image) >= expected, Patience), $"{Asked(image)} of {expected} bytes were asked for");
        Assert.Equal(expected, Asked(image));
        Assert.Equal(image.Asked.Select(a => a.Offset).Order(), image.Asked.Select(a => a.Offset));
        // A quarter of the blocks would be too many: it has said what it can use.
        Assert.Equal(4, image.Lent.Count);

        image.Gate.Set();
        Same(pages, await On("read", () => FakeCriu.ReadToEnd(file)));
        Assert.Equal(pages.Length, Asked(image)); // nothing twice
        criu.Dispose();
        await Within(run);
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Before_anybody_asks_the_small_files_come_first_and_then_the_heads_by_number_each_in_its_own_slot()
    {
        MemoryImage image = Far();
        foreach (int number in (int[])[10, 2, 1])
        {
            image.Add($"core-{number}.img", RandomBytes(1000, number));
            image.Add($"pages-{number}.img", Pages(3 * Mebibyte, number));
        }
        image.Add("inventory.img", RandomBytes(100));
        (_, ImageServer server, Task run, FakeCriu criu) = await StartAsync(image, Blocks);

        Assert.True(SpinWait.SpinUntil(() => image.Asked.Select(a => a.Name).Distinct().Count() == 7, Patience));
        Assert.Equal(
            ["inventory.img", "core-1.img", "core-2.img", "core-10.img", "pages-1.img", "pages-2.img", "pages-10.img"], image.Asked.Select(a => a.Name).Distinct());
        Assert.True(Asked(image) <= 3100 + (3 * FileReader.MaxChunk), $"{Asked(image)} bytes were asked for");

        image.Gate.Set();
        Same(Pages(3 * Mebibyte, 2), await On("pages", () => criu.Read("pages-2.img")));
        Same(RandomBytes(1000, 10), await On("core", () => criu.Read("core-10.img")));
        criu.Dispose();
        await Within(run);
        await server.DisposeAsync(); // two heads that nobody asked for go back too
    }

    [Fact]
    public async Task A_reader_that_stands_still_is_not_read_ahead_of_without_end()
    {
        MemoryImage image = Far();
        image.Gate.Set();
        byte[] pages = RandomBytes(60 * Mebibyte);
        image.Add("pages-1.img", pages);
        (_, ImageServer server, Task run, FakeCriu criu) = await StartAsync(image, Blocks);

        using SafeFileHandle file = await On("open", () => criu.Open("pages-1.img")!);
        Assert.True(SpinWait.SpinUntil(() => Asked(image) >= 16 * Mebibyte, Patience));
        // What the pipe between us and CRIU takes comes on top.
        Assert.InRange(Asked(image), 16 * Mebibyte, 24 * Mebibyte);
        Same(pages, await On("read", () => FakeCriu.ReadToEnd(file)));
        criu.Dispose();
        await Within(run);
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_failure_behind_reads_that_do_not_come_back_ends_everything_at_once_and_is_the_error()
    {
        MemoryImage image = Far();
        image.Add("pages-1.img", RandomBytes(8 * Mebibyte));
        image.Damaged = ("pages-1.img", 6 * Mebibyte);
        image.DamagedPassesGate = true;
        BlockPool pool = Pool(Blocks);
        ImageServer server = Serve(image, pool);
        Task run = server.RunAsync(Myself, Token);
        using FakeCriu criu = await On("criu", () => FakeCriu.ForRestore(Dir));

        // The socket may be closed before the file is open. It is held until the end: of a file that its reader closed nothing is read any more.
        SafeFileHandle? file = null;
        Exception? closed = await Record.ExceptionAsync(async () => file = await On("open", () => criu.Open("pages-1.img")));
        using SafeFileHandle? held = file;

        Assert.True(closed is null or PlatformException or EndOfStreamException, $"{closed}");
        Assert.Contains("packs/ab/abcd", (await Assert.ThrowsAsync<RepositoryException>(() => Within(run))).Message, StringComparison.Ordinal);
        await server.DisposeAsync();
        Assert.Equal(pool.Count, pool.Free);
    }

    private static MemoryImage Far()
    {
        MemoryImage image = new() { AheadBytes = 16 * Mebibyte, WantedBuffers = 4 };
        image.Gate.Reset();
        return image;
    }

    private static long Asked(MemoryImage image) => image.Asked.Sum(static a => (long)a.Length);
}
