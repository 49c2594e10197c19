using System.Buffers.Binary;
using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Checkpointer.Node.Tests.Cri;

/// <summary>
/// gRPC on a unix socket, by hand: it can answer what no real runtime would. A method without an answer is unknown, told in the words of
/// a real one.
/// </summary>
internal sealed class FakeCri : IAsyncDisposable
{
    /// <summary>A compression flag and the length.</summary>
    private const int FrameHeader = 5;

    private readonly TempDirectory _directory = new();
    private readonly ConcurrentDictionary<string, Func<byte[], HttpContext, Task>> _answers = new();
    private readonly ConcurrentQueue<string> _calls = new();
    private readonly WebApplication _app;

    private FakeCri()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(k => k.ListenUnixSocket(Socket, l => l.Protocols = HttpProtocols.Http2));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    public string Socket => _directory.File("cri.sock");

    /// <summary>For what a test needs beside it.</summary>
    public TempDirectory Directory => _directory;

    /// <summary>The methods that were called, in order.</summary>
    public IReadOnlyList<string> Calls => [.. _calls];

    public static async Task<FakeCri> StartAsync()
    {
        var fake = new FakeCri();
        await fake._app.StartAsync();
        return fake;
    }

    /// <param name="method">As <c>ListContainers</c>.</param>
    /// <param name="answer">From the request to the answer; an <see cref="RpcException"/> becomes the call's error.</param>
    public void On<TRequest>(string method, Func<TRequest, IMessage> answer)
        where TRequest : IMessage<TRequest>, new()
    {
        _answers[method] = async (body, context) =>
        {
            var request = new TRequest();
            request.MergeFrom(body);
            await WriteAsync(context, answer(request).ToByteArray());
        };
    }

    public void Fail(string method, StatusCode code, string detail) => _answers[method] = (_, _) => throw new RpcException(new Status(code, detail));

    /// <summary>Whatever the test likes to do with the answer.</summary>
    public void OnRaw(string method, Func<HttpContext, Task> answer) => _answers[method] = (_, context) => answer(context);

    /// <summary>One message of an answer.</summary>
    public static async Task WriteAsync(HttpContext context, byte[] message)
    {
        var frame = new byte[FrameHeader + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, FrameHeader);
        await context.Response.Body.WriteAsync(frame, context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    public async ValueTask DisposeAsync()
    {
        using var hurry = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(hurry.Token);
        await _app.DisposeAsync();
        _directory.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        var method = path[(path.LastIndexOf('/') + 1)..];
        _calls.Enqueue(method);
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        context.Response.ContentType = "application/grpc";
        try
        {
            var answer = _answers.GetValueOrDefault(method)
                ?? throw new RpcException(new Status(StatusCode.Unimplemented, $"unknown service {path[1..path.LastIndexOf('/')]}"));
            await answer(body.ToArray()[FrameHeader..], context);
            End(context, StatusCode.OK, "");
        }
        catch (RpcException e)
        {
            End(context, e.StatusCode, e.Status.Detail);
        }
        catch (OperationCanceledException)
        {
            // The caller has gone.
        }
    }

    private static void End(HttpContext context, StatusCode code, string detail)
    {
        context.Response.AppendTrailer("grpc-status", ((int)code).ToString(System.Globalization.CultureInfo.InvariantCulture));
        context.Response.AppendTrailer("grpc-message", Uri.EscapeDataString(detail));
    }
}
