namespace Checkpointer.Repository;

/// <summary>
/// Cancels one attempt of a request when it has moved no byte for a while: a slow transfer goes on, a dead one ends. Also the caller's own cancellation.
/// </summary>
internal sealed class StallWatch : IProgress<long>, IDisposable
{
    private readonly CancellationTokenSource _stall;
    private readonly CancellationTokenSource _both;
    private readonly TimeSpan _patience;

    public StallWatch(TimeSpan patience, TimeProvider time, CancellationToken caller)
    {
        _patience = patience;
        _stall = new CancellationTokenSource(patience, time);
        _both = CancellationTokenSource.CreateLinkedTokenSource(_stall.Token, caller);
    }

    public CancellationToken Token => _both.Token;

    public bool Stalled => _stall.IsCancellationRequested;

    /// <summary>Bytes moved.</summary>
    public void Report(long value) => _stall.CancelAfter(_patience);

    public void Dispose()
    {
        _both.Dispose();
        _stall.Dispose();
    }
}
