using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Engine.Tests.Streaming;

/// <summary>What every stream test needs: a short directory, a pool, and deadlines that fail the test instead of hanging it.</summary>
public abstract class StreamFixture : IDisposable
{
    /// <summary>No test waits longer for one thing.</summary>
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly List<IDisposable> _owned = [];

    protected StreamFixture()
    {
        Dir = Directory.CreateTempSubdirectory("ckpt-").FullName;
    }

    protected string Dir { get; }

    protected static ProcessMatcher Myself => ProcessMatcher.SelfOrDescendantOf(Environment.ProcessId);

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        for (int i = _owned.Count - 1; i >= 0; i--)
        {
            _owned[i].Dispose();
        }
        Directory.Delete(Dir, true);
        GC.SuppressFinalize(this);
    }

    protected T Own<T>(T thing)
        where T : IDisposable
    {
        _owned.Add(thing);
        return thing;
    }

    internal BlockPool Pool(int blocks) => Own(new BlockPool(blocks * (long)(BlockPool.BlockSize + BlockPool.Headroom)));

    internal CaptureServer Capture(ICaptureSink sink, BlockPool pool)
    {
        CaptureServer server = new(Dir, sink, pool, NullLogger.Instance, null) { ConnectPatience = Patience };
        server.Listen();
        return server;
    }

    internal ImageServer Serve(IImageSource image, BlockPool pool, Func<string, ReadOnlyMemory<byte>?>? replace = null)
    {
        ImageServer server = new(Dir, image, pool, replace, NullLogger.Instance, null) { ConnectPatience = Patience };
        server.Listen();
        return server;
    }

    /// <summary>A server of this image and the CRIU that reads from it.</summary>
    internal async Task<(BlockPool Pool, ImageServer Server, Task Run, FakeCriu Criu)> StartAsync(MemoryImage image, int blocks)
    {
        BlockPool pool = Pool(blocks);
        ImageServer server = Serve(image, pool);
        Task run = server.RunAsync(Myself, Token);
        FakeCriu criu = Own(await On("criu", () => FakeCriu.ForRestore(Dir)));
        return (pool, server, run, criu);
    }

    /// <summary>Blocking work of the fake CRIU, on its own thread, with a deadline.</summary>
    internal static Task On(string name, Action work) => DedicatedThread.Run(name, work).WaitAsync(Patience, Token);

    internal static Task<T> On<T>(string name, Func<T> work) => DedicatedThread.Run(name, work).WaitAsync(Patience, Token);

    internal static Task Within(Task task) => task.WaitAsync(Patience, Token);

    /// <summary>Large contents: says where they part, and does not print them.</summary>
    internal static void Same(byte[] expected, byte[] actual)
    {
        int equal = expected.AsSpan().CommonPrefixLength(actual);
        Assert.True(equal == expected.Length && equal == actual.Length, $"{expected.Length} bytes expected, {actual.Length} read, equal up to {equal}");
    }

    internal static byte[] RandomBytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Pages of which every third run of pages is zero.</summary>
    internal static byte[] Pages(int length, int seed = 1)
    {
        byte[] bytes = RandomBytes(length, seed);
        for (int start = 64 << 10; start < length; start += 192 << 10)
        {
            bytes.AsSpan(start, Math.Min(64 << 10, length - start)).Clear();
        }
        return bytes;
    }
}
