namespace Checkpointer.Engine;

/// <summary>
/// Why an operation must stop: the person, the deadline, a stall, a broken store. The first reason wins and is what the person reads;
/// the token tells everyone else.
/// </summary>
internal sealed class OperationAbort : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly CancellationTokenRegistration _person;
    private readonly ITimer? _deadline;
    private Exception? _reason;

    public OperationAbort(double? timeoutSeconds, TimeProvider time, CancellationToken person)
    {
        _person = person.Register(() => Abort(new OperationCancelledException("cancelled", "The operation was cancelled.")));
        if (timeoutSeconds is { } seconds)
        {
            _deadline = time.CreateTimer(
                _ => Abort(new OperationFailedException(
                    "timeout",
                    $"The operation did not end within its {Durations.Format(TimeSpan.FromSeconds(seconds))}.",
                    "Give it more with --timeout, or make it faster: a nearer store, more --memory.")),
                null,
                TimeSpan.FromSeconds(seconds),
                Timeout.InfiniteTimeSpan);
        }
    }

    public CancellationToken Token => _source.Token;

    public Exception? Reason => Volatile.Read(ref _reason);

    /// <summary>Stops the operation; later reasons are consequences and are dropped.</summary>
    public void Abort(Exception reason)
    {
        if (Interlocked.CompareExchange(ref _reason, reason, null) is null)
        {
            try
            {
                // Whoever is told runs on the pool: the reason may come from a timer or from under a lock.
                _ = _source.CancelAsync();
            }
            catch (ObjectDisposedException)
            {
                // The operation has ended already: nothing is left to stop.
            }
        }
    }

    /// <summary>Throws the reason when there is one.</summary>
    public void ThrowIfAborted()
    {
        if (Reason is { } reason)
        {
            throw reason;
        }
    }

    /// <summary>The reason if the operation was aborted, else the exception that was caught in its course.</summary>
    public Exception Explain(Exception caught) => Reason ?? caught;

    public void Dispose()
    {
        _deadline?.Dispose();
        _person.Dispose();
        _source.Dispose();
    }
}
