namespace Checkpointer.Repository;

/// <summary>
/// An exclusive lease that this process holds. Disposing it gives it back. A lease is a promise between well-behaved processes: whoever is paused for longer than its
/// duration may wake up without it, so nothing that a lease protects may depend on it alone.
/// </summary>
public interface ILease : IAsyncDisposable
{
    /// <summary>Cancelled when the lease is no longer certain to be ours: it was broken, or it was not renewed in good time. It never becomes ours again.</summary>
    CancellationToken Lost { get; }

    /// <summary>
    /// Prolongs it by its duration. Code lease-lost when it is gone; another error of the store does not lose it at once (try again), but being late does.
    /// </summary>
    ValueTask RenewAsync(CancellationToken cancellationToken);
}
