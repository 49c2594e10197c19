namespace Checkpointer.Repository;

/// <summary>
/// Cancels one attempt of a request when it has moved no byte for a while: a slow transfer goes on, a dead one ends. Also the caller's own cancellation.
/// </summary>
internal sealed class StallWatch : IProgress<long>, IDisposable
{
    private readonly CancellationTokenSource _stall;
    private readonly CancellationTokenSource _both;
    private readonly TimeSpan _patience;
    private readonly TimeSpan _quietAfter;
    private readonly ITimer? _quiet;

    public StallWatch(TimeSpan patience, TimeProvider time, CancellationToken caller)
        : this(patience, time, caller, Timeout.InfiniteTimeSpan, null)
    {
    }

    /// <param name="patience">The longest time without a byte.</param>
    /// <param name="time">The clock.</param>
    /// <param name="caller">The caller's own cancellation.</param>
    /// <param name="quietAfter">After so long without a byte <paramref name="quiet"/> is called, and the attempt goes on.</param>
    /// <param name="quiet">Null: nobody wants to know.</param>
    public StallWatch(TimeSpan patience, TimeProvider time, CancellationToken caller, TimeSpan quietAfter, Action? quiet)
    {
        _patience = patience;
        _quietAfter = quietAfter;
        _quiet = quiet is null ? null : time.CreateTimer(_ => quiet(), null, quietAfter, Timeout.InfiniteTimeSpan);
        _stall = new CancellationTokenSource(patience, time);
        _both = CancellationTokenSource.CreateLinkedTokenSource(_stall.Token, caller);
    }

    public CancellationToken Token => _both.Token;

    public bool Stalled => _stall.IsCancellationRequested;

    /// <summary>Bytes moved.</summary>
    public void Report(long value)
    {
        _stall.CancelAfter(_patience);
        _quiet?.Change(_quietAfter, Timeout.InfiniteTimeSpan);
    }

    public void Dispose()
    {
        _quiet?.Dispose();
        _both.Dispose();
        _stall.Dispose();
    }
}
