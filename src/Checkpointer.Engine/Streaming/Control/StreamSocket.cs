using Checkpointer.Platform;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Engine.Streaming;

/// <summary>The listening end of an image stream: it accepts one connection, from the expected process, and is gone then.</summary>
internal sealed partial class StreamSocket : IDisposable
{
    // Bytes. CRIU copies the path into sun_path and cuts it silently at 107.
    private const int MaxPathBytes = 107;

    // How long one accept waits before it looks at the deadline again.
    private static readonly TimeSpan AcceptStep = TimeSpan.FromSeconds(1);

    private readonly string _path;
    private readonly ILogger _logger;
    private UnixListener? _listener;

    public StreamSocket(string imagesDir, string name, ILogger logger)
    {
        _path = Path.Combine(imagesDir, name);
        _logger = logger;
        if (System.Text.Encoding.UTF8.GetByteCount(_path) > MaxPathBytes)
        {
            throw new UsageException(
                "path-too-long", $"The image directory {imagesDir} is too long for CRIU's socket.", "Choose a shorter run directory.");
        }
    }

    public void Listen() => _listener ??= UnixListener.Bind(_path);

    /// <summary>Waits for the expected peer on a thread of its own; others are turned away and logged.</summary>
    public Task<UnixConnection> AcceptAsync(ProcessMatcher expected, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        UnixListener listener = _listener ?? throw new InvalidOperationException("Listen comes first.");
        return DedicatedThread.Run("image-accept", () =>
        {
            long start = time.GetTimestamp();
            while (time.GetElapsedTime(start) < patience)
            {
                UnixConnection? connection = TryAccept(listener, cancellationToken);
                if (connection is null)
                {
                    continue;
                }
                if (IsExpected(connection, expected, patience, cancellationToken))
                {
                    Dispose(); // nobody else can come
                    return connection;
                }
            }
            throw StreamingErrors.NobodyConnected(patience);
        });
    }

    public void Dispose()
    {
        _listener?.Dispose();
        _listener = null;
    }

    // Turned away means closed.
    private bool IsExpected(UnixConnection connection, ProcessMatcher expected, TimeSpan patience, CancellationToken cancellationToken)
    {
        bool matches = false;
        try
        {
            matches = expected.MatchesAsync(connection.Peer, patience, cancellationToken).GetAwaiter().GetResult();
            if (!matches)
            {
                LogStranger(_logger, connection.Peer.Pid, connection.Peer.Uid);
            }
            return matches;
        }
        catch (TimeoutException)
        {
            throw StreamingErrors.NobodyConnected(patience); // somebody did, but nobody ever said who is expected
        }
        finally
        {
            if (!matches)
            {
                connection.Dispose();
            }
        }
    }

    private static UnixConnection? TryAccept(UnixListener listener, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return listener.Accept(AcceptStep, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null; // nobody yet; the caller watches the deadline
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A stranger (pid {Pid}, uid {Uid}) connected to the image stream and was turned away")]
    private static partial void LogStranger(ILogger logger, int pid, uint uid);
}
