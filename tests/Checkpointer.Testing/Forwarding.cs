using Checkpointer.Repository;

namespace Checkpointer.Testing;

/// <summary>A backend that passes everything on, for tests that change one thing.</summary>
public abstract class Forwarding(IBackend inner) : IBackend
{
    public string Describe() => inner.Describe();

    public long UploadBytes(int uploads) => inner.UploadBytes(uploads);

    public ValueTask PrepareAsync(CancellationToken cancellationToken) => inner.PrepareAsync(cancellationToken);

    public virtual IObjectUpload BeginPut(string name, CancellationToken cancellationToken) => inner.BeginPut(name, cancellationToken);

    public virtual ValueTask<int> ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        inner.ReadAsync(name, offset, destination, cancellationToken);

    /// <summary>What changes reads changes these too.</summary>
    public virtual ValueTask<int> ReadSealedAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        ReadAsync(name, offset, destination, cancellationToken);

    public virtual ValueTask<ObjectInfo?> StatAsync(string name, CancellationToken cancellationToken) => inner.StatAsync(name, cancellationToken);

    public virtual IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    public virtual ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken) => inner.DeleteAsync(name, cancellationToken);

    public virtual ValueTask<ILease?> TryLeaseAsync(string name, ReadOnlyMemory<byte> note, TimeSpan duration, CancellationToken cancellationToken) =>
        inner.TryLeaseAsync(name, note, duration, cancellationToken);

    public virtual ValueTask<LeaseInfo?> FindLeaseAsync(string name, CancellationToken cancellationToken) => inner.FindLeaseAsync(name, cancellationToken);

    public virtual ValueTask<bool> BreakLeaseAsync(string name, CancellationToken cancellationToken) => inner.BreakLeaseAsync(name, cancellationToken);

    public virtual IAsyncEnumerable<ObjectInfo> ListUnfinishedAsync(CancellationToken cancellationToken) => inner.ListUnfinishedAsync(cancellationToken);

    public virtual ValueTask<bool> DeleteUnfinishedAsync(string name, CancellationToken cancellationToken) => inner.DeleteUnfinishedAsync(name, cancellationToken);

    public virtual ValueTask TidyAsync(string lease, CancellationToken cancellationToken) => inner.TidyAsync(lease, cancellationToken);

    public virtual ValueTask DisposeAsync() => inner.DisposeAsync();
}
