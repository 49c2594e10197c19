using Checkpointer.Repository;

namespace Checkpointer.Bench;

/// <summary>Keeps small objects and forgets packs: shows what the stages before the store cost.</summary>
internal sealed class NullBackend(IBackend small) : IBackend
{
    public string Describe() => "nowhere";

    public IObjectUpload BeginPut(string name, CancellationToken cancellationToken) =>
        name.StartsWith(ObjectNames.PacksPrefix, StringComparison.Ordinal) ? new Upload() : small.BeginPut(name, cancellationToken);

    public ValueTask<int> ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        small.ReadAsync(name, offset, destination, cancellationToken);

    public ValueTask<ObjectInfo?> StatAsync(string name, CancellationToken cancellationToken) => small.StatAsync(name, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) => small.ListAsync(prefix, cancellationToken);

    public ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken) => small.DeleteAsync(name, cancellationToken);

    public ValueTask<ILease?> TryLeaseAsync(string name, ReadOnlyMemory<byte> note, TimeSpan duration, CancellationToken cancellationToken) =>
        small.TryLeaseAsync(name, note, duration, cancellationToken);

    public ValueTask<LeaseInfo?> FindLeaseAsync(string name, CancellationToken cancellationToken) => small.FindLeaseAsync(name, cancellationToken);

    public ValueTask<bool> BreakLeaseAsync(string name, CancellationToken cancellationToken) => small.BreakLeaseAsync(name, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListUnfinishedAsync(CancellationToken cancellationToken) => small.ListUnfinishedAsync(cancellationToken);

    public ValueTask<bool> DeleteUnfinishedAsync(string name, CancellationToken cancellationToken) => small.DeleteUnfinishedAsync(name, cancellationToken);

    public ValueTask DisposeAsync() => small.DisposeAsync();

    private sealed class Upload : IObjectUpload
    {
        public void Append(ReadOnlySpan<byte> data)
        {
        }

        public bool Commit() => true;

        public void Dispose()
        {
        }
    }
}
