using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Engine.Streaming;

/// <summary>
/// The restore side of CRIU's <c>--stream</c>: answers its requests for image files from a snapshot. Every byte is authenticated before CRIU sees it;
/// nothing is held in memory but the pool; no file waits for another. An error closes every pipe and the socket, so CRIU fails; a tree that it
/// built nevertheless must not live, which is what <see cref="AllServedWhole"/> is for. The snapshot is never touched.
/// </summary>
public sealed class ImageServer : IAsyncDisposable
{
    /// <summary>The name that CRIU looks for in its image directory.</summary>
    public const string SocketName = "streamer-serve.sock";

    // How long the veto waits for the loop to have counted what CRIU has already read.
    private static readonly TimeSpan CountPatience = TimeSpan.FromSeconds(2);

    private readonly IImageSource _image;
    private readonly BlockPool _pool;
    private readonly Func<string, ReadOnlyMemory<byte>?> _replace;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly StreamSocket _socket;
    private readonly AbortSource _abort = new();
    private readonly long _created;
    private ServeSession? _session;
    private Task? _run;

    /// <param name="imagesDir">CRIU's image directory, at most 87 bytes long; UsageException (path-too-long) otherwise.</param>
    /// <param name="reader">The snapshot; the caller disposes it, after this.</param>
    /// <param name="pool">
    /// At least <see cref="MinimumBudget"/> bytes and used by nobody else; UsageException (budget-too-small) from <see cref="RunAsync"/>.
    /// </param>
    /// <param name="replace">
    /// Content to serve instead of a file's own, or for one that is absent; null: none. Called on the stream's thread. Beware of
    /// <c>condition ? array : null</c>: there, null converts to an empty image.
    /// </param>
    /// <param name="logger">For strangers on the socket.</param>
    /// <param name="time">The clock of <see cref="LastProgress"/>.</param>
    public ImageServer(
        string imagesDir,
        SnapshotReader reader,
        BlockPool pool,
        Func<string, ReadOnlyMemory<byte>?>? replace,
        ILogger logger,
        TimeProvider? time = null)
        : this(imagesDir, new SnapshotImage(reader), pool, replace, logger, time)
    {
    }

    internal ImageServer(
        string imagesDir, IImageSource image, BlockPool pool, Func<string, ReadOnlyMemory<byte>?>? replace, ILogger logger, TimeProvider? time)
    {
        _image = image;
        _pool = pool;
        _replace = replace ?? (static _ => null);
        _logger = logger;
        _time = time ?? TimeProvider.System;
        _created = _time.GetTimestamp();
        _socket = new StreamSocket(imagesDir, SocketName, logger);
    }

    /// <summary>How long CRIU may take to connect, from the start of <see cref="RunAsync"/>.</summary>
    public TimeSpan ConnectPatience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Bytes written so far.</summary>
    public long Bytes => _session?.Bytes ?? 0;

    /// <summary>The counters of this moment; null before CRIU connected.</summary>
    public ServeStatistics? Statistics => _session?.Statistics();

    /// <summary><see cref="TimeProvider.GetTimestamp"/> of the last request, byte written or file closed: what a watchdog compares.</summary>
    public long LastProgress => _session?.LastProgress ?? _created;

    /// <summary>Bytes: the least pool with which this snapshot can be restored, whatever order CRIU reads in.</summary>
    public static long MinimumBudget(SnapshotReader reader) => ServeBudget.MinimumBytes(reader.Files);

    /// <summary>Binds the socket. CRIU connects once and never retries, so this comes before CRIU starts.</summary>
    public void Listen() => _socket.Listen();

    /// <summary>
    /// Serves one connection from the expected peer until CRIU has closed it and every pipe. Throws the reason given to <see cref="Abort"/>,
    /// RepositoryException (which names the damaged object), stream-protocol, stream-failed, stream-no-peer.
    /// </summary>
    public Task RunAsync(ProcessMatcher expectedPeer, CancellationToken cancellationToken)
    {
        if (_run is not null)
        {
            throw new InvalidOperationException("An image server serves one restore.");
        }
        return _run = ServeAsync(expectedPeer, cancellationToken);
    }

    /// <summary>
    /// For the veto after the restore: true when every file that CRIU asked for was written to its last byte, and it asked for every file with
    /// memory pages. Otherwise <paramref name="missing"/> says in one line what was not. May wait a moment for bytes that are being counted.
    /// </summary>
    public bool AllServedWhole(out string? missing)
    {
        missing = FirstMissing();
        if (missing is not null && _session is { } session && _run is { IsCompleted: false })
        {
            // CRIU may have read the last bytes before our thread has counted them: let it finish its round.
            using ManualResetEventSlim counted = new();
            session.Loop.Post(counted.Set);
            counted.Wait(CountPatience);
            missing = FirstMissing();
        }
        return missing is null;
    }

    /// <summary>Any thread: closes every pipe and the socket. CRIU then fails. The first reason counts.</summary>
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
        try
        {
            using CancellationTokenSource stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _abort.Token);
            await using ImageFeeds feeds = new(_image, _pool, _abort);
            feeds.Prefetch();
            UnixConnection connection = await _socket.AcceptAsync(expectedPeer, ConnectPatience, _time, stopping.Token).ConfigureAwait(false);
            await DedicatedThread.Run("image-serve", () =>
            {
                using ServeSession session = new(connection, feeds, _replace, _time, stopping.Token);
                _session = session;
                session.Run();
            }).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // The feeds end after the session, and what they may say then is only a consequence.
            AbortSource.Throw(_abort.ReasonFor(e));
        }
        finally
        {
            _socket.Dispose();
        }
    }

    private string? FirstMissing()
    {
        Dictionary<string, ServedFile> best = new(StringComparer.Ordinal);
        foreach (ServedFile file in _session?.Files ?? [])
        {
            if (!best.TryGetValue(file.File.Name, out ServedFile? other) || other.Written < file.Written)
            {
                best[file.File.Name] = file;
            }
        }
        foreach (ServedFile file in best.Values)
        {
            if (file.Written < file.File.Length)
            {
                return $"{file.File.Name}: {file.Written} of {file.File.Length} bytes were read";
            }
        }
        SnapshotFile? forgotten = _image.Files.FirstOrDefault(f => f is { Kind: FileKind.Pages, Length: > 0 } && !best.ContainsKey(f.Name));
        return forgotten is null ? null : $"{forgotten.Name} was never asked for";
    }
}
