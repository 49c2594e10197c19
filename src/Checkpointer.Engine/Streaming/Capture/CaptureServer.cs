using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Engine.Streaming;

/// <summary>
/// The dump side of CRIU's <c>--stream</c>: takes every image file through a pipe and gives the bytes to a <see cref="SnapshotWriter"/>.
/// One thread, one copy for bulk data, never more memory than the pool. Nothing that goes wrong here harms the workload: the pipes close,
/// CRIU fails and lets it run on.
/// </summary>
public sealed class CaptureServer : IAsyncDisposable
{
    /// <summary>The name that CRIU looks for in its image directory.</summary>
    public const string SocketName = "streamer-capture.sock";

    private readonly ICaptureSink _sink;
    private readonly BlockPool _pool;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly StreamSocket _socket;
    private readonly CaptureMeter _meter;
    private readonly AbortSource _abort = new();
    private readonly TaskCompletionSource _complete = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _run;

    /// <param name="imagesDir">CRIU's image directory, at most 85 bytes long; UsageException (path-too-long) otherwise.</param>
    /// <param name="writer">Gets one file per image file; the caller commits it.</param>
    /// <param name="pool">Where bulk data is read into; the writer gives the blocks back.</param>
    /// <param name="logger">For strangers on the socket and failures of the store.</param>
    /// <param name="time">The clock of <see cref="LastProgress"/>.</param>
    public CaptureServer(string imagesDir, SnapshotWriter writer, BlockPool pool, ILogger logger, TimeProvider? time = null)
        : this(imagesDir, new SnapshotSink(writer), pool, logger, time)
    {
    }

    internal CaptureServer(string imagesDir, ICaptureSink sink, BlockPool pool, ILogger logger, TimeProvider? time)
    {
        _sink = sink;
        _pool = pool;
        _logger = logger;
        _time = time ?? TimeProvider.System;
        _meter = new CaptureMeter(_time);
        _socket = new StreamSocket(imagesDir, SocketName, logger);
    }

    /// <summary>How long CRIU may take to connect, from the start of <see cref="RunAsync"/>.</summary>
    public TimeSpan ConnectPatience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Told the name of each file whose end was reached, on the capturing thread and before the next file is looked at. Must not throw.</summary>
    public Action<string>? FileClosed { get; init; }

    /// <summary>
    /// The image is complete: <c>inventory.img</c> was closed and every pipe is at its end, so the writer has all bytes. CRIU then waits in
    /// its post-dump hook with the socket still open. Faults with the reason when the stream broke before.
    /// </summary>
    public Task Complete => _complete.Task;

    /// <summary>CRIU connected: right after this it stops the tree. Never completes when it does not come.</summary>
    public Task Connected => _connected.Task;

    /// <summary>The counters of this moment.</summary>
    public CaptureStatistics Statistics => _meter.Snapshot();

    /// <summary>Bytes read so far.</summary>
    public long Bytes => _meter.Bytes;

    /// <summary>
    /// <see cref="TimeProvider.GetTimestamp"/> of the last byte, opened or closed file, or block that came free: what a watchdog compares.
    /// </summary>
    public long LastProgress => _meter.LastProgress;

    /// <summary>Binds the socket. CRIU connects once and never retries, so this comes before CRIU starts.</summary>
    public void Listen() => _socket.Listen();

    /// <summary>
    /// Serves one connection from the expected peer until CRIU closes it. Returns when the image is complete; throws what broke it: the reason
    /// given to <see cref="Abort"/>, the store's error, image-incomplete, stream-protocol, stream-failed, stream-no-peer.
    /// </summary>
    public Task RunAsync(ProcessMatcher expectedPeer, CancellationToken cancellationToken)
    {
        if (_run is not null)
        {
            throw new InvalidOperationException("A capture serves one dump.");
        }
        return _run = ServeAsync(expectedPeer, cancellationToken);
    }

    /// <summary>Any thread: closes every pipe and the socket. CRIU then fails and lets the workload run on. The first reason counts.</summary>
    public void Abort(Exception reason) => _abort.Abort(reason);

    /// <summary>Aborts what still runs and waits for its end.</summary>
    public async ValueTask DisposeAsync()
    {
        Abort(StreamingErrors.Cancelled());
        if (_run is not null)
        {
            await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // the caller of RunAsync has the error
        }
        _socket.Dispose();
        _abort.Dispose();
    }

    private async Task ServeAsync(ProcessMatcher expectedPeer, CancellationToken cancellationToken)
    {
        using CancellationTokenSource stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _abort.Token);
        _abort.FollowFailureOf(_sink.Failure);
        try
        {
            UnixConnection connection = await _socket.AcceptAsync(expectedPeer, ConnectPatience, _time, stopping.Token).ConfigureAwait(false);
            _connected.TrySetResult();
            await DedicatedThread.Run("image-capture", () =>
            {
                using CaptureSession session = new(connection, _sink, _pool, _meter, _complete, FileClosed, _logger, stopping.Token);
                session.Run();
            }).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Exception reason = _abort.ReasonFor(e);
            _complete.TrySetException(reason);
            _ = _complete.Task.Exception; // observed: who awaits Complete still gets it
            AbortSource.Throw(reason);
        }
        finally
        {
            _socket.Dispose();
        }
    }
}
