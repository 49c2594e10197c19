namespace Checkpointer.Repository;

/// <summary>
/// What the leases of all backends share: a holder counts its lease as lost after three quarters of its duration, by its own clock, so that it stops before
/// anyone else may begin.
/// </summary>
public abstract class TimedLease : ILease
{
    private readonly string _name;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _lost = new();
    private readonly SemaphoreSlim _renewing = new(1);
    private readonly ITimer _timer;
    private bool _disposed;

    /// <param name="name">The lease's name, for errors.</param>
    /// <param name="duration">How long others wait since the last renewal.</param>
    /// <param name="time">The clock of this process.</param>
    /// <param name="asked">Timestamp of that clock from before the store was asked for the lease.</param>
    protected TimedLease(string name, TimeSpan duration, TimeProvider time, long asked)
    {
        ArgumentNullException.ThrowIfNull(time);
        _name = name;
        _time = time;
        Certain = duration * 3 / 4;
        Lost = _lost.Token;
        _timer = time.CreateTimer(_ => Lose(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Rewind(asked);
    }

    /// <inheritdoc/>
    public CancellationToken Lost { get; }

    /// <summary>How long after a renewal the holder relies on it.</summary>
    protected TimeSpan Certain { get; }

    /// <inheritdoc/>
    public async ValueTask RenewAsync(CancellationToken cancellationToken)
    {
        await _renewing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            long asked = _time.GetTimestamp();
            if (Lost.IsCancellationRequested || !await RenewCoreAsync(cancellationToken).ConfigureAwait(false))
            {
                Lose();
            }
            else
            {
                Rewind(asked);
            }

            if (Lost.IsCancellationRequested)
            {
                throw new RepositoryException(RepositoryCodes.LeaseLost, $"the lease {_name} was taken by somebody else, or was renewed too late", "try again")
                { ObjectName = _name };
            }
        }
        finally
        {
            _renewing.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _renewing.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            await _timer.DisposeAsync().ConfigureAwait(false);
            await ReleaseCoreAsync().ConfigureAwait(false);
        }
        finally
        {
            _renewing.Release();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Asks the store to prolong the lease. False: it is not ours any more. Throws <see cref="RepositoryException"/> when the store fails.</summary>
    protected abstract ValueTask<bool> RenewCoreAsync(CancellationToken cancellationToken);

    /// <summary>Gives it back where it is still ours. Must not throw for a failing store: the lease expires by itself.</summary>
    protected abstract ValueTask ReleaseCoreAsync();

    private void Rewind(long asked)
    {
        TimeSpan left = Certain - _time.GetElapsedTime(asked);
        if (left <= TimeSpan.Zero)
        {
            Lose();
        }
        else
        {
            _timer.Change(left, Timeout.InfiniteTimeSpan);
        }
    }

    private void Lose()
    {
        if (!_disposed)
        {
            _lost.Cancel();
        }
    }
}
