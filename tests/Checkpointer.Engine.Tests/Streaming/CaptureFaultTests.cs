using System.Diagnostics;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Tests.Streaming;

public sealed class CaptureFaultTests : StreamFixture
{
    [Fact]
    public async Task Criu_that_dies_in_mid_file_leaves_an_incomplete_image_and_a_whole_pool()
    {
        (BlockPool pool, CaptureServer server, Task run, FakeCriu criu) = await StartAsync();
        SafeFileHandle pages = await On("open", () => criu.Create("pages-1.img"));
        await On("write", () => Fds.WriteAll(pages, RandomBytes(100_000)));
        pages.Dispose();
        criu.Dispose();

        Assert.Equal("image-incomplete", await CodeOf(run));
        Assert.Equal("image-incomplete", await CodeOf(server.Complete));
        Assert.True(SpinWait.SpinUntil(() => pool.Free == pool.Count, Patience));
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_pipe_that_outlives_the_socket_is_still_read_to_its_end()
    {
        (_, CaptureServer server, Task run, FakeCriu criu) = await StartAsync();
        SafeFileHandle pages = await On("open", () => criu.Create("pages-1.img"));
        await On("inventory", () => criu.Write("inventory.img", [1]));
        criu.Dispose();
        await On("write", () => Fds.WriteAll(pages, RandomBytes(300_000)));
        Assert.False(server.Complete.IsCompleted);
        pages.Dispose();

        await Within(run);
        await Within(server.Complete);
        Assert.Equal(300_001, server.Statistics.Bytes);
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_store_that_fails_ends_the_dump_with_the_store_s_own_error()
    {
        (_, CaptureServer server, Task run, FakeCriu criu) = await StartAsync(out MemorySink sink);
        using SafeFileHandle pages = await On("open", () => criu.Create("pages-1.img"));
        sink.Fail(new RepositoryException("repository-full", "No space left."));

        Assert.Equal("repository-full", await CodeOf(run));
        PlatformException broken = await Assert.ThrowsAsync<PlatformException>(() => On("write", () => Fds.WriteAll(pages, RandomBytes(3 << 20))));
        Assert.Equal(32, broken.Errno);
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_named()
    {
        (_, CaptureServer server, Task run, FakeCriu criu) = await StartAsync();
        using SafeFileHandle directory = Fds.Open(Dir, OpenFlags.ReadOnly | OpenFlags.Directory);
        await On("send", () =>
        {
            criu.Connection.Write(FakeCriu.Request("core-9.img"));
            criu.Connection.SendFd(directory); // not a pipe
        });

        CheckpointerException error = await Assert.ThrowsAnyAsync<CheckpointerException>(() => Within(run));
        Assert.Contains("core-9.img", error.Message, StringComparison.Ordinal);
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Garbage_on_the_socket_ends_the_stream()
    {
        (_, CaptureServer server, Task run, FakeCriu criu) = await StartAsync();
        await On("garbage", () => criu.Connection.Write("GET / HTTP/1.1\r\n\r\n"u8));

        Assert.Equal("stream-protocol", await CodeOf(run));
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_path_instead_of_a_name_ends_the_stream()
    {
        (_, CaptureServer server, Task run, FakeCriu criu) = await StartAsync();
        await On("path", () => criu.Connection.Write(FakeCriu.Request("../evil.img")));

        Assert.Equal("stream-protocol", await CodeOf(run));
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_request_without_a_pipe_ends_the_stream()
    {
        (_, CaptureServer server, Task run, FakeCriu criu) = await StartAsync();
        await On("no fd", () => criu.Connection.Write([.. FakeCriu.Request("core-1.img"), 0]));

        await Assert.ThrowsAnyAsync<CheckpointerException>(() => Within(run));
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_request_in_single_bytes_is_put_together()
    {
        (_, CaptureServer server, Task run, FakeCriu criu) = await StartAsync();
        PipePair pipe = Fds.Pipe();
        await On("dribble", () =>
        {
            foreach (byte b in FakeCriu.Request("core-1.img"))
            {
                criu.Connection.Write([b]);
                Thread.Sleep(1);
            }
            criu.Connection.SendFd(pipe.Reader);
        });
        pipe.Reader.Dispose();
        Fds.WriteAll(pipe.Writer, [1, 2, 3]);

        await CaptureTests.Finish(criu, pipe.Writer, server, run);
        Assert.Equal(4, server.Statistics.Bytes);
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Half_a_request_before_the_end_is_an_error()
    {
        (_, CaptureServer server, Task run, FakeCriu criu) = await StartAsync();
        await On("half", () => criu.Connection.Write(FakeCriu.Request("core-1.img").AsSpan(0, 7)));
        criu.Dispose();

        Assert.Equal("stream-protocol", await CodeOf(run));
        await server.DisposeAsync();
    }

    [Fact]
    public async Task The_same_name_twice_is_an_error()
    {
        (_, CaptureServer server, Task run, FakeCriu criu) = await StartAsync();
        await On("twice", () =>
        {
            criu.Write("core-1.img", [1]);
            criu.Connection.Write(FakeCriu.Request("core-1.img"));
        });

        Assert.Equal("stream-protocol", await CodeOf(run));
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_file_after_the_image_was_complete_is_an_error()
    {
        (_, CaptureServer server, Task run, FakeCriu criu) = await StartAsync();
        await On("dump", () => criu.Write("inventory.img", [1]));
        await Within(server.Complete);
        await On("late", () => criu.Connection.Write(FakeCriu.Request("core-1.img")));

        Assert.Equal("stream-protocol", await CodeOf(run));
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Somebody_else_on_the_socket_is_turned_away_and_the_expected_child_is_still_served()
    {
        BlockPool pool = Pool(4);
        TaskCompletionSource<int> pid = new();
        await using CaptureServer server = Capture(new MemorySink(pool), pool);
        Task run = server.RunAsync(ProcessMatcher.SelfOrDescendantOf(pid.Task), Token);
        using Process stranger = Connecting();
        using Process expected = Connecting();
        pid.SetResult(expected.Id);

        await stranger.StandardInput.WriteLineAsync("go");
        Assert.Equal("0", (await stranger.StandardOutput.ReadToEndAsync(Token).WaitAsync(Patience, Token)).Trim()); // closed
        Assert.False(server.Connected.IsCompleted);

        await expected.StandardInput.WriteLineAsync("go");
        await Within(server.Connected);
        expected.Kill();
        Assert.Equal("image-incomplete", await CodeOf(run));
    }

    [Fact]
    public async Task Nobody_who_comes_is_an_error_after_the_patience()
    {
        BlockPool pool = Pool(2);
        await using CaptureServer server = new(Dir, new MemorySink(pool), pool, NullLogger.Instance, null)
        {
            ConnectPatience = TimeSpan.FromMilliseconds(200),
        };
        server.Listen();

        Assert.Equal("stream-no-peer", await CodeOf(server.RunAsync(Myself, Token)));
        Assert.False(File.Exists(Path.Combine(Dir, CaptureServer.SocketName)));
    }

    [Fact]
    public async Task A_cancelled_run_ends_at_once()
    {
        BlockPool pool = Pool(2);
        using CancellationTokenSource cancel = new();
        await using CaptureServer server = Capture(new MemorySink(pool), pool);
        Task run = server.RunAsync(Myself, cancel.Token);
        using FakeCriu criu = await On("criu", () => FakeCriu.ForDump(Dir));
        await Within(server.Connected);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Within(run));
        Assert.Equal(0, await On("eof", () => criu.Connection.Read(new byte[1])));
    }

    [Fact]
    public void A_directory_too_long_for_criu_is_refused()
    {
        BlockPool pool = Pool(2);
        UsageException error = Assert.Throws<UsageException>(
            () => new CaptureServer("/tmp/" + new string('x', 90), new MemorySink(pool), pool, NullLogger.Instance, null));
        Assert.Equal("path-too-long", error.Code);
    }

    private Task<(BlockPool Pool, CaptureServer Server, Task Run, FakeCriu Criu)> StartAsync() => StartAsync(out _);

    private Task<(BlockPool Pool, CaptureServer Server, Task Run, FakeCriu Criu)> StartAsync(out MemorySink sink)
    {
        BlockPool pool = Pool(4);
        MemorySink made = sink = new MemorySink(pool);
        return Start();

        async Task<(BlockPool, CaptureServer, Task, FakeCriu)> Start()
        {
            CaptureServer server = Capture(made, pool);
            Task run = server.RunAsync(Myself, Token);
            FakeCriu criu = Own(await On("criu", () => FakeCriu.ForDump(Dir)));
            return (pool, server, run, criu);
        }
    }

    private static async Task<string> CodeOf(Task task) => (await Assert.ThrowsAnyAsync<CheckpointerException>(() => Within(task))).Code;

    /// <summary>A child that connects when it is told to, and says how many bytes came before the end.</summary>
    private Process Connecting() => Process.Start(new ProcessStartInfo(
        "python3",
        [
            "-c",
            "import socket,sys; sys.stdin.readline(); s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(len(s.recv(1)))",
            Path.Combine(Dir, CaptureServer.SocketName),
        ])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
    })!;
}
