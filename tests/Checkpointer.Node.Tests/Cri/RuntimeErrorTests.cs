using System.Net.Sockets;
using Checkpointer.Node.Cri;
using Checkpointer.Node.Cri.Protocol;
using Grpc.Core;

namespace Checkpointer.Node.Tests.Cri;

/// <summary>A runtime that is not there, is none, or does not do what it should: one line and a remedy each.</summary>
public sealed class RuntimeErrorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/run/a.sock", "/run/a.sock")]
    [InlineData("unix:///run/a.sock", "/run/a.sock")]
    [InlineData("unix:/run/a.sock", "/run/a.sock")]
    public void An_endpoint_is_a_path_in_each_way_to_write_it(string endpoint, string path) => Assert.Equal(path, CriEndpoint.PathOf(endpoint));

    [Theory]
    [InlineData("")]
    [InlineData("a.sock")]
    [InlineData("tcp://127.0.0.1:1")]
    [InlineData("unix://a.sock")]
    [InlineData("npipe:////./pipe/x")]
    [InlineData("/a\0b")]
    public void What_is_no_sockets_path_is_wrong_usage(string endpoint) =>
        Assert.Equal("runtime-endpoint", Assert.Throws<UsageException>(() => CriEndpoint.PathOf(endpoint)).Code);

    [Fact]
    public void A_path_that_is_too_long_for_a_socket_is_wrong_usage() =>
        Assert.Equal("runtime-endpoint", Assert.Throws<UsageException>(() => CriEndpoint.PathOf("/" + new string('ä', 60))).Code);

    [Fact]
    public async Task No_socket_is_told_with_its_path()
    {
        using var directory = new TempDirectory();
        var error = await FailsAsync<HostException>(directory.File("none"));
        Assert.Equal(("runtime-unreachable", ExitCode.Environment), (error.Code, error.ExitCode));
        Assert.Contains(directory.File("none"), error.Message, StringComparison.Ordinal);
        Assert.Contains("--runtime-endpoint", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_socket_is_told_as_such()
    {
        using var directory = new TempDirectory();
        await File.WriteAllTextAsync(directory.File("s"), "", Token);
        foreach (var path in new[] { directory.File("s"), directory.Path })
        {
            Assert.Equal($"{path} is no socket", (await FailsAsync<HostException>(path)).Message);
        }
    }

    /// <summary>A wrong place in a command is wrong usage; the same in the node's configuration is the node's fault.</summary>
    [Theory]
    [InlineData("none", "there is no socket")]
    [InlineData("file", "is no socket")]
    [InlineData("dead", "nobody listens on")]
    [InlineData("closes", "/closes")]
    [InlineData("bare", "no container runtime interface")]
    public async Task A_wrong_endpoint_that_a_command_names_is_wrong_usage(string kind, string message)
    {
        using var directory = new TempDirectory();
        await using var cri = await FakeCri.StartAsync();
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var closing = Task.CompletedTask;
        switch (kind)
        {
            case "file":
                await File.WriteAllTextAsync(directory.File("file"), "", Token);
                break;
            case "dead":
                listener.Bind(new UnixDomainSocketEndPoint(directory.File("dead")));
                break;
            case "closes":
                listener.Bind(new UnixDomainSocketEndPoint(directory.File("closes")));
                listener.Listen();
                closing = CloseAllAsync(listener);
                break;
        }

        var error = await FailsAsync<UsageException>(kind == "bare" ? cri.Socket : directory.File(kind), given: true);

        Assert.Equal(("runtime-endpoint", ExitCode.Usage), (error.Code, error.ExitCode));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.False(string.IsNullOrWhiteSpace(error.Remedy));
        listener.Dispose();
        await closing;
    }

    [Fact]
    public async Task A_socket_where_nobody_listens_is_unreachable()
    {
        using var directory = new TempDirectory();
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            // Disposing removes the name that it was bound to, and no other.
            dead.Bind(new UnixDomainSocketEndPoint(directory.File("bound")));
            File.Move(directory.File("bound"), directory.File("s"));
        }

        Assert.Equal("runtime-unreachable", (await FailsAsync<HostException>(directory.File("s"))).Code);
    }

    [Fact]
    public async Task What_speaks_another_protocol_is_unreachable()
    {
        using var directory = new TempDirectory();
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(directory.File("s")));
        listener.Listen();
        var answering = Task.Run(async () =>
        {
            using var accepted = await listener.AcceptAsync(Token);
            await accepted.ReceiveAsync(new byte[64], Token);
            await accepted.SendAsync("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray(), Token);
        });

        var error = await FailsAsync<HostException>(directory.File("s"));

        Assert.Equal("runtime-unreachable", error.Code);
        await answering;
    }

    [Fact]
    public async Task A_runtime_without_CRI_is_told_how_to_enable_it()
    {
        await using var cri = await FakeCri.StartAsync();
        var error = await FailsAsync<HostException>(cri.Socket);
        Assert.Equal("runtime-no-cri", error.Code);
        Assert.Contains("unknown service runtime.v1.RuntimeService", error.Message, StringComparison.Ordinal);
        Assert.Contains("disabled_plugins", error.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(StatusCode.Unavailable, "runtime-unreachable")]
    [InlineData(StatusCode.Unimplemented, "runtime-no-cri")]
    [InlineData(StatusCode.DeadlineExceeded, "runtime-timeout")]
    [InlineData(StatusCode.Unknown, "runtime-refused")]
    [InlineData(StatusCode.Internal, "runtime-refused")]
    [InlineData(StatusCode.PermissionDenied, "runtime-refused")]
    public async Task Each_error_of_a_call_has_its_code(StatusCode status, string code)
    {
        await using var node = await FakeNode.StartAsync();
        node.Cri.Fail("ListContainers", status, "it\nsays " + new string('x', 5000));
        var error = await Assert.ThrowsAnyAsync<CheckpointerException>(() => node.Runtime.ListAsync(Token));
        Assert.Equal(code, error.Code);
        Assert.NotNull(error.Remedy);
        Assert.True(error.Message.Length < 1000, "bounded");
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public async Task An_answer_that_is_too_large_is_not_taken()
    {
        await using var node = await FakeNode.StartAsync();
        node.Cri.OnRaw("ListContainers", c => FakeCri.WriteAsync(c, new byte[CriConnection.MaxReceiveBytes + 1]));
        Assert.Equal("runtime-answer", (await Assert.ThrowsAsync<HostException>(() => node.Runtime.ListAsync(Token))).Code);
    }

    [Fact]
    public async Task An_answer_that_is_no_message_is_the_runtimes_failure()
    {
        await using var node = await FakeNode.StartAsync();
        node.Cri.OnRaw("ListContainers", c => FakeCri.WriteAsync(c, [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]));
        await Assert.ThrowsAnyAsync<CheckpointerException>(() => node.Runtime.ListAsync(Token));
    }

    [Fact]
    public async Task Fields_that_we_do_not_know_are_skipped()
    {
        await using var node = await FakeNode.StartAsync();

        // Field 99, a text; field 100, a number: a later version of the interface.
        byte[] unknown = [0x9a, 0x06, 0x03, (byte)'n', (byte)'e', (byte)'w', 0xa0, 0x06, 0x01];
        node.Cri.OnRaw("ListContainers", c => FakeCri.WriteAsync(c, unknown));
        Assert.Empty(await node.Runtime.ListAsync(Token));
    }

    [Fact]
    public async Task A_runtime_that_never_answers_is_given_up()
    {
        await using var cri = await FakeCri.StartAsync();
        cri.OnRaw("Version", c => Task.Delay(Timeout.Infinite, c.RequestAborted));
        using var connection = new CriConnection(cri.Socket, TimeProvider.System);
        var error = await Assert.ThrowsAsync<HostException>(() => connection.CallAsync(
            "telling its version", o => connection.Runtime.VersionAsync(new VersionRequest(), o), TimeSpan.FromMilliseconds(200), Token));
        Assert.Equal("runtime-timeout", error.Code);
        Assert.Contains("telling its version within 200ms", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelling_is_no_error_of_the_runtime()
    {
        await using var node = await FakeNode.StartAsync();
        using var cancel = new CancellationTokenSource();
        node.Cri.OnRaw("ListContainers", async c =>
        {
            await cancel.CancelAsync();
            await Task.Delay(Timeout.Infinite, c.RequestAborted);
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => node.Runtime.ListAsync(cancel.Token));
    }

    /// <summary>Closes what connects, until the listener is disposed.</summary>
    private static async Task CloseAllAsync(Socket listener)
    {
        try
        {
            while (true)
            {
                (await listener.AcceptAsync(Token)).Dispose();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private static async Task<T> FailsAsync<T>(string socket, bool given = false)
        where T : CheckpointerException
    {
        using var runtime = new CriRuntime(new CriOptions { Endpoint = socket, Given = given }, TimeProvider.System);
        return await Assert.ThrowsAsync<T>(() => runtime.ListAsync(Token));
    }
}
