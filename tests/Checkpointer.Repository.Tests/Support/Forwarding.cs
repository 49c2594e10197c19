namespace Checkpointer.Repository.Tests;

/// <summary>A backend that passes everything on, for tests that change one thing.</summary>
internal abstract class Forwarding(IBackend inner) : IBackend
{
    public string Describe() => inner.Describe();

    public virtual IObjectUpload BeginPut(string name, CancellationToken cancellationToken) => inner.BeginPut(name, cancellationToken);

    public ValueTask<int> ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        inner.ReadAsync(name, offset, destination, cancellationToken);

    public ValueTask<ObjectInfo?> StatAsync(string name, CancellationToken cancellationToken) => inner.StatAsync(name, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    public ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken) => inner.DeleteAsync(name, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
