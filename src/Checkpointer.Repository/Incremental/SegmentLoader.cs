using Microsoft.Extensions.Logging;

namespace Checkpointer.Repository;

/// <summary>
/// Reads what a <see cref="ParentWindow"/> wants, in the background, while the capture runs. Its first failure ends it: the parent was deleted or its store
/// fails, and the new snapshot goes on without the rest of it.
/// </summary>
internal sealed partial class SegmentLoader : IAsyncDisposable
{
    /// <summary>Reads at a time: hides a remote store's latency, 4 x 512 KiB of buffers.</summary>
    internal const int Loops = 4;

    private readonly ParentWindow _window;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _cancel = new();
    private readonly Task _loops;

    public SegmentLoader(ParentWindow window, Func<SegmentReader> readers, ILogger logger)
    {
        _window = window;
        _logger = logger;
        _loops = Task.WhenAll(Enumerable.Range(0, Loops).Select(_ => Task.Run(() => RunAsync(readers))));
    }

    public async ValueTask DisposeAsync()
    {
        await _cancel.CancelAsync().ConfigureAwait(false);
        try
        {
            await _loops.WaitAsync(SnapshotWriter.StopDeadline).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // A read hangs in a dead store; its task ends when the store answers, and holds nothing but its buffers.
            return;
        }

        _cancel.Dispose();
        _window.Dispose();
    }

    private async Task RunAsync(Func<SegmentReader> readers)
    {
        try
        {
            using SegmentReader reader = readers();
            while (true)
            {
                ReadOnlyMemory<int> wanted = await _window.TakeAsync(_cancel.Token).ConfigureAwait(false);
                while (wanted.Length > 0)
                {
                    int count = reader.Fit(wanted.Span);
                    await reader.ReadAsync(wanted[..count], _window.Insert, _cancel.Token).ConfigureAwait(false);
                    wanted = wanted[count..];
                }
            }
        }
        catch (OperationCanceledException) when (_cancel.IsCancellationRequested)
        {
            // The snapshot is done or given up.
        }
        catch (Exception e)
        {
            _window.Close();
            Log.LoaderEnded(_logger, e);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 2011, Level = LogLevel.Warning, Message = "The parent's map can no longer be read; what is not in memory is stored again")]
        public static partial void LoaderEnded(ILogger logger, Exception error);
    }
}
