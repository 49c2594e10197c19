namespace Checkpointer.Engine;

/// <summary>
/// Looks at a running operation four times a second: reports its progress and aborts it when it stands still or when the workload
/// has been frozen for too long. A stalled store must never freeze a workload for ever.
/// </summary>
internal sealed class Watchdog : IDisposable
{
    /// <summary>Often enough for a live display, seldom enough to cost nothing.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly TimeProvider _time;
    private readonly OperationAbort _abort;
    private readonly TimeSpan _stallLimit;
    private readonly Func<long> _advance;
    private readonly Action _report;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private long _lastAdvance;
    private long _lastChange;
    private long _frozenSince;
    private TimeSpan _maxFrozen = Timeout.InfiniteTimeSpan;
    private bool _disposed;

    /// <param name="time">The clock.</param>
    /// <param name="abort">What is told when the operation must end.</param>
    /// <param name="stallLimit">How long <paramref name="advance"/> may stay the same.</param>
    /// <param name="advance">A number that changes whenever anything moved.</param>
    /// <param name="report">Called at every look.</param>
    public Watchdog(TimeProvider time, OperationAbort abort, TimeSpan stallLimit, Func<long> advance, Action report)
    {
        _time = time;
        _abort = abort;
        _stallLimit = stallLimit;
        _advance = advance;
        _report = report;
        _lastChange = time.GetTimestamp();
        _timer = time.CreateTimer(_ => Look(), null, Interval, Interval);
    }

    /// <summary>The workload stands still from now on.</summary>
    public void Frozen(TimeSpan maxFrozen)
    {
        lock (_lock)
        {
            _frozenSince = _time.GetTimestamp();
            _maxFrozen = maxFrozen;
        }
    }

    /// <summary>The workload was released.</summary>
    public void Released()
    {
        lock (_lock)
        {
            _maxFrozen = Timeout.InfiniteTimeSpan;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
        }

        _timer.Dispose();
    }

    private void Look()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            var advance = _advance();
            if (advance != _lastAdvance)
            {
                _lastAdvance = advance;
                _lastChange = _time.GetTimestamp();
            }
            else if (_time.GetElapsedTime(_lastChange) > _stallLimit)
            {
                _abort.Abort(new OperationFailedException(
                    "stalled",
                    $"Nothing moved for {Durations.Format(_stallLimit)}: the store, CRIU or the disk stands still.",
                    "Look at the repository's reachability and load, then try again."));
            }

            if (_maxFrozen != Timeout.InfiniteTimeSpan && _time.GetElapsedTime(_frozenSince) > _maxFrozen)
            {
                _abort.Abort(new OperationFailedException(
                    "frozen-too-long",
                    $"The workload stood still for more than {Durations.Format(_maxFrozen)}.",
                    "Give it more with --max-frozen, more --memory, or use --leave-running."));
            }

            _report();
        }
    }
}
