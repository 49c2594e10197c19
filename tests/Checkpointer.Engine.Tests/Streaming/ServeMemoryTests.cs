using Checkpointer.Engine.Streaming;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Tests.Streaming;

/// <summary>What serving keeps alive does not grow with what is served.</summary>
[Collection(Alone.Name)]
public sealed class ServeMemoryTests : StreamFixture
{
    [Fact]
    public async Task Gigabytes_of_zeroes_need_no_memory()
    {
        const long zeroes = 3L << 30;
        MemoryImage image = new();
        image.Add("pages-1.img", RandomBytes(10_000), zeroes);
        (_, ImageServer server, Task run, FakeCriu criu) = await StartAsync(image, 2);
        long before = GC.GetTotalMemory(true);

        long read = await On("read", () =>
        {
            using SafeFileHandle pages = criu.Open("pages-1.img")!;
            byte[] buffer = new byte[1 << 20];
            long total = 0;
            for (int count; (count = Fds.Read(pages, buffer)) > 0; total += count)
            {
                Assert.False(total > 20_000 && buffer.AsSpan(0, count).ContainsAnyExcept((byte)0));
            }
            return total;
        });

        Assert.Equal(10_000 + zeroes, read);
        Assert.InRange(GC.GetTotalMemory(true) - before, long.MinValue, 8 << 20);
        criu.Dispose();
        await Within(run);
        await server.DisposeAsync();
    }
}
