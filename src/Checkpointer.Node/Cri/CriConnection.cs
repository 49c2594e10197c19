using Checkpointer.Node.Cri.Protocol;
using Grpc.Core;
using Grpc.Net.Client;

namespace Checkpointer.Node.Cri;

/// <summary>
/// Calls to one runtime through its unix socket. Connects with the first call, and again by itself when the runtime was restarted.
/// Every call has a deadline; what fails is told as <see cref="CriErrors"/> says, a cancellation as such.
/// </summary>
internal sealed class CriConnection : IDisposable
{
    /// <summary>Bytes of one answer; kubelet takes as many. A list has about 2 KiB a container.</summary>
    public const int MaxReceiveBytes = 16 << 20;

    /// <summary>For questions: they are answered from memory.</summary>
    public static readonly TimeSpan Short = TimeSpan.FromSeconds(15);

    /// <summary>For the first question, which something that is no runtime may never answer.</summary>
    public static readonly TimeSpan Hello = TimeSpan.FromSeconds(5);

    /// <summary>For what starts or stops something.</summary>
    public static readonly TimeSpan Long = TimeSpan.FromMinutes(2);

    /// <summary>A unix socket connects at once or not at all; only a full backlog makes it wait.</summary>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    private readonly GrpcChannel _channel;
    private readonly TimeProvider _time;

    public CriConnection(string socket, TimeProvider time)
    {
        Socket = socket;
        _time = time;
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = (_, cancellationToken) => SocketPlace.ConnectAsync(socket, cancellationToken),
            ConnectTimeout = ConnectTimeout,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
        };
        _channel = GrpcChannel.ForAddress(
            "http://localhost",
            new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true, MaxReceiveMessageSize = MaxReceiveBytes });
        Runtime = new RuntimeService.RuntimeServiceClient(_channel);
        Images = new ImageService.ImageServiceClient(_channel);
    }

    public string Socket { get; }

    public RuntimeService.RuntimeServiceClient Runtime { get; }

    public ImageService.ImageServiceClient Images { get; }

    /// <param name="what">What is asked, for errors: "listing the containers".</param>
    /// <param name="call">Makes the call with the options given.</param>
    /// <param name="deadline">How long it may take.</param>
    /// <param name="cancellationToken">Gives up; the runtime may finish it nevertheless.</param>
    public async Task<T> CallAsync<T>(
        string what, Func<CallOptions, AsyncUnaryCall<T>> call, TimeSpan deadline, CancellationToken cancellationToken)
    {
        try
        {
            using var running = call(new CallOptions(deadline: Until(deadline), cancellationToken: cancellationToken));
            return await running.ResponseAsync.ConfigureAwait(false);
        }
        catch (RpcException e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw CriErrors.From(e, what, Socket, deadline);
        }
    }

    /// <summary>As <see cref="CallAsync"/>, but null where the runtime does not know what was asked for.</summary>
    public async Task<T?> FindAsync<T>(
        string what, Func<CallOptions, AsyncUnaryCall<T>> call, TimeSpan deadline, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            return await CallAsync(what, call, deadline, cancellationToken).ConfigureAwait(false);
        }
        catch (CheckpointerException e) when (e.InnerException is RpcException { StatusCode: StatusCode.NotFound })
        {
            return null;
        }
    }

    public void Dispose() => _channel.Dispose();

    private DateTime Until(TimeSpan deadline) => _time.GetUtcNow().UtcDateTime + deadline;
}
