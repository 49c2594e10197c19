using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Checkpointer.Node.Tests;

public sealed class RequestTests
{
    private static readonly string Good = $$"""{"pid":{{NodeFixture.SomePid}},"repository":"/r","keyFile":"/k"}""";

    public static TheoryData<string> BadBodies => new(
        """{"pid":1,"repository":"/r","keyFile":"/k","leaveRuning":true}""",
        """{"pid":1,"pid":2,"repository":"/r","keyFile":"/k"}""",
        """{"repository":"/r","keyFile":"/k"}""",
        """{"pid":"one","repository":"/r","keyFile":"/k"}""",
        """{"pid":1,"repository":"/r","keyFile":"/k","labels":null}""",
        """{"pid":1,"repository":"/r","keyFile":"/k","include":null}""",
        """{"pid":1,"repository":"/r","keyFile":"/k","include":[null]}""",
        """{"pid":1,"repository":"/r","keyFile":"/k","labels":{"a":null}}""",
        """{"pid":99999999999,"repository":"/r","keyFile":"/k"}""",
        "[]",
        "null",
        "",
        "{");

    [Theory]
    [MemberData(nameof(BadBodies))]
    public async Task A_body_that_is_not_understood_is_refused_and_nothing_starts(string body)
    {
        await using var node = await NodeFixture.StartAsync();
        using var http = Http.Over(node.Socket);

        using var response = await http.PostAsync("/v1/checkpoints", NodeFixture.Json(body), node.Deadline);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("bad-request", await response.ErrorCodeAsync());
        Assert.Empty(node.Engine.Calls);
    }

    [Fact]
    public async Task What_a_request_leaves_out_has_its_default()
    {
        await using var node = await NodeFixture.StartAsync();
        CheckpointRequest? seen = null;
        node.Engine.OnCheckpoint = (id, request, _, _) =>
        {
            seen = request;
            return Task.FromResult(ScriptedEngine.Result(id, request));
        };
        using var http = Http.Over(node.Socket);

        using var response = await http.PostAsync("/v1/checkpoints?wait=true", NodeFixture.Json(Good), node.Deadline);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(
            (CheckpointRequest.DefaultMemoryBytes, CheckpointRequest.DefaultMaxFrozenSeconds), (seen!.MemoryBytes, seen.MaxFrozenSeconds));
        Assert.Equal((false, false, null), (seen.LeaveRunning, seen.Force, seen.TimeoutSeconds));
        Assert.Empty(seen.Labels);
        Assert.Empty(seen.Include);
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_refused()
    {
        await using var node = await NodeFixture.StartAsync();
        using var http = Http.Over(node.Socket);
        var body = Good[..^1] + $",\"name\":\"{new string('x', RequestReader.MaxBodyBytes)}\"}}";

        // Asked first whether to send it: a refusal in mid-body cuts the connection, and the answer may be lost with it.
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/checkpoints") { Content = NodeFixture.Json(body) };
        request.Headers.ExpectContinue = true;
        using var response = await http.SendAsync(request, node.Deadline);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Equal("request-too-large", await response.ErrorCodeAsync());
        Assert.Empty(node.Engine.Calls);
    }

    [Fact]
    public async Task A_chunked_body_that_is_too_large_is_refused_too()
    {
        await using var node = await NodeFixture.StartAsync();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(node.Socket), node.Deadline);
        var head = "POST /v1/checkpoints HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        var chunk = $"{RequestReader.MaxBodyBytes + 1:x}\r\n{new string(' ', RequestReader.MaxBodyBytes + 1)}\r\n0\r\n\r\n";
        try
        {
            for (ReadOnlyMemory<byte> left = Encoding.ASCII.GetBytes(head + chunk); left.Length > 0;)
            {
                left = left[await socket.SendAsync(left, node.Deadline)..];
            }
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.Shutdown or SocketError.ConnectionReset)
        {
            // Refused in mid-body: the answer was sent before the connection was cut, and lies here.
        }

        using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream);
        Assert.StartsWith("HTTP/1.1 413 ", await reader.ReadLineAsync(node.Deadline), StringComparison.Ordinal);
        Assert.Empty(node.Engine.Calls);
    }

    [Theory]
    [InlineData("GET", "/v2/operations")]
    [InlineData("GET", "/")]
    [InlineData("PUT", "/v1/operations/x")]
    public async Task An_unknown_resource_is_told_as_such(string method, string path)
    {
        await using var node = await NodeFixture.StartAsync();
        using var http = Http.Over(node.Socket);

        using var response = await http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), node.Deadline);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("route-not-found", await response.ErrorCodeAsync());
    }

    [Fact]
    public async Task Rubbish_on_the_socket_does_not_hurt_the_service()
    {
        await using var node = await NodeFixture.StartAsync();
        using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(node.Socket), node.Deadline);
            await socket.SendAsync(Encoding.ASCII.GetBytes("\0\0\0\u007fnot http\r\n\r\n"), SocketFlags.None, node.Deadline);
            var buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer, SocketFlags.None, node.Deadline) > 0)
            {
            }
        }

        Assert.True(await node.Client.IsReadyAsync(node.Deadline));
    }

    [Fact]
    public async Task A_wait_that_is_neither_true_nor_false_is_refused_before_anything_starts()
    {
        await using var node = await NodeFixture.StartAsync();
        using var http = Http.Over(node.Socket);

        using var response = await http.PostAsync("/v1/checkpoints?wait=perhaps", NodeFixture.Json(Good), node.Deadline);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Empty(node.Engine.Calls);
    }
}
