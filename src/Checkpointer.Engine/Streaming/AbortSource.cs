using System.Runtime.ExceptionServices;

namespace Checkpointer.Engine.Streaming;

/// <summary>A cancellation that carries its reason. The first reason counts; later ones are consequences.</summary>
internal sealed class AbortSource : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private Exception? _reason;

    public CancellationToken Token => _source.Token;

    public void Abort(Exception reason)
    {
        if (Interlocked.CompareExchange(ref _reason, reason, null) is null)
        {
            try
            {
                _source.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // Everything has ended already: nothing is left to stop.
            }
        }
    }

    /// <summary>Aborts with the error of <paramref name="task"/> when that fails.</summary>
    public void FollowFailureOf(Task task) => task.ContinueWith(
        (failed, state) => ((AbortSource)state!).Abort(failed.Exception!.InnerException!),
        this,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted,
        TaskScheduler.Default);

    /// <summary>Why it ended: the abort's reason if there was one, else the exception itself.</summary>
    public Exception ReasonFor(Exception thrown) => Volatile.Read(ref _reason) ?? thrown;

    public static void Throw(Exception reason) => ExceptionDispatchInfo.Throw(reason);

    public void Dispose() => _source.Dispose();
}
