using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.FaultHost;

/// <summary>A store at which this process dies: right before or right after an object becomes visible, or after so many bytes.</summary>
internal sealed class DyingBackend(IBackend inner, string? before, string? after, long? afterBytes) : IBackend
{
    private long _written;

    public static void Die()
    {
        using var self = PidFd.Open(Environment.ProcessId);
        self?.Signal(Signals.Kill);
        Thread.Sleep(Timeout.Infinite);
    }

    public string Describe() => inner.Describe();

    public long UploadBytes(int uploads) => inner.UploadBytes(uploads);

    public ValueTask PrepareAsync(CancellationToken cancellationToken) => inner.PrepareAsync(cancellationToken);

    public IObjectUpload BeginPut(string name, CancellationToken cancellationToken) =>
        new Upload(this, inner.BeginPut(name, cancellationToken), Matches(name, before), Matches(name, after));

    public ValueTask<int> ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        inner.ReadAsync(name, offset, destination, cancellationToken);

    public ValueTask<ObjectInfo?> StatAsync(string name, CancellationToken cancellationToken) => inner.StatAsync(name, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    public ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken) => inner.DeleteAsync(name, cancellationToken);

    public ValueTask<ILease?> TryLeaseAsync(string name, ReadOnlyMemory<byte> note, TimeSpan duration, CancellationToken cancellationToken) =>
        inner.TryLeaseAsync(name, note, duration, cancellationToken);

    public ValueTask<LeaseInfo?> FindLeaseAsync(string name, CancellationToken cancellationToken) => inner.FindLeaseAsync(name, cancellationToken);

    public ValueTask<bool> BreakLeaseAsync(string name, CancellationToken cancellationToken) => inner.BreakLeaseAsync(name, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListUnfinishedAsync(CancellationToken cancellationToken) => inner.ListUnfinishedAsync(cancellationToken);

    public ValueTask<bool> DeleteUnfinishedAsync(string name, CancellationToken cancellationToken) => inner.DeleteUnfinishedAsync(name, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private static bool Matches(string name, string? prefix) => prefix is not null && name.StartsWith(prefix, StringComparison.Ordinal);

    private void Count(int bytes)
    {
        if (Interlocked.Add(ref _written, bytes) > afterBytes)
        {
            Die();
        }
    }

    private sealed class Upload(DyingBackend owner, IObjectUpload upload, bool dieBefore, bool dieAfter) : IObjectUpload
    {
        public void Append(ReadOnlySpan<byte> data)
        {
            owner.Count(data.Length);
            upload.Append(data);
        }

        public bool Commit()
        {
            if (dieBefore)
            {
                Die();
            }

            var first = upload.Commit();
            if (dieAfter)
            {
                Die();
            }

            return first;
        }

        public void Dispose() => upload.Dispose();
    }
}
