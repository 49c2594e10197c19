using System.Runtime.CompilerServices;

namespace Checkpointer.Repository;

public sealed partial class AzureBlobBackend
{
    /// <inheritdoc/>
    public async ValueTask<ILease?> TryLeaseAsync(string name, ReadOnlyMemory<byte> note, TimeSpan duration, CancellationToken cancellationToken)
    {
        ObjectNames.Validate(name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(note.Length, LeaseInfo.MaxNote, nameof(note));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(duration, TimeSpan.Zero);
        return await _leases.TryTakeAsync(name, note, duration, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<LeaseInfo?> FindLeaseAsync(string name, CancellationToken cancellationToken)
    {
        ObjectNames.Validate(name);
        return await _leases.FindAsync(name, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> BreakLeaseAsync(string name, CancellationToken cancellationToken)
    {
        ObjectNames.Validate(name);
        return await _leases.BreakAsync(name, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>None: blocks that were never committed are in no listing, and the service drops them after a week.</summary>
    public async IAsyncEnumerable<ObjectInfo> ListUnfinishedAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        yield break;
    }

    /// <inheritdoc/>
    public ValueTask<bool> DeleteUnfinishedAsync(string name, CancellationToken cancellationToken) => ValueTask.FromResult(false);
}
