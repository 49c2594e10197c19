using System.Threading.Channels;
using Checkpointer.Node.Cri.Protocol;
using Grpc.Core;

namespace Checkpointer.Node.Cri;

/// <summary>
/// Tells that something may have changed in a runtime: from its events where it has them for everybody (containerd 2, CRI-O), else never.
/// A hint is no more than that: whoever gets one lists what there is.
/// </summary>
internal sealed class ContainerHints : IAsyncDisposable
{
    /// <summary>An event stream is opened anew after this time, so that none waits for ever on a runtime that forgot it.</summary>
    private static readonly TimeSpan StreamLength = TimeSpan.FromMinutes(10);

    private readonly CriConnector _connector;
    private readonly TimeProvider _time;
    private readonly TimeSpan _pause;
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Several hints are as good as one.</summary>
    private readonly Channel<bool> _hints = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Task _reading;
    private volatile bool _streams;

    /// <param name="connector">The runtime.</param>
    /// <param name="pause">Between two tries to open the stream.</param>
    /// <param name="time">The clock.</param>
    public ContainerHints(CriConnector connector, TimeSpan pause, TimeProvider time)
    {
        (_connector, _pause, _time) = (connector, pause, time);
        _reading = Task.Run(ReadAsync);
    }

    /// <summary>Whether events come; otherwise the caller has to look by itself.</summary>
    public bool Streams => _streams;

    /// <summary>Returns with the next hint, or after <paramref name="atMost"/> without one.</summary>
    public async Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(atMost, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await _hints.Reader.ReadAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Time to look without a hint.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await StreamAsync().ConfigureAwait(false))
            {
                await Task.Delay(_pause, _time, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    /// <summary>containerd 1.7 gives each event to one listener only: ours would take it away from kubelet.</summary>
    private static bool SharesEvents(VersionResponse version)
    {
        return version.RuntimeName != "containerd" || !version.RuntimeVersion.TrimStart('v').StartsWith("1.", StringComparison.Ordinal);
    }

    /// <summary>One stream to its end. False: this runtime has none.</summary>
    private async Task<bool> StreamAsync()
    {
        try
        {
            var connection = await _connector.GetAsync(_stop.Token).ConfigureAwait(false);
            var version = await CriConnector.VersionAsync(connection, _stop.Token).ConfigureAwait(false);
            if (!SharesEvents(version))
            {
                return false;
            }

            var deadline = _time.GetUtcNow().UtcDateTime + StreamLength;
            using var call = connection.Runtime.GetContainerEvents(new GetEventsRequest(), deadline: deadline, cancellationToken: _stop.Token);
            while (await call.ResponseStream.MoveNext(_stop.Token).ConfigureAwait(false))
            {
                _streams = true;
                _hints.Writer.TryWrite(true);
            }
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unimplemented)
        {
            return false;
        }
        catch (Exception e) when (e is RpcException or CheckpointerException)
        {
            // Whoever lists tells what is wrong with the runtime.
            _stop.Token.ThrowIfCancellationRequested();
        }

        // What happened between two streams nobody told.
        _streams = false;
        _hints.Writer.TryWrite(true);
        return true;
    }
}
