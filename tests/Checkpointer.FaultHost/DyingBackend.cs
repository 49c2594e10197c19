using Checkpointer.Platform;
using Checkpointer.Repository;
using Checkpointer.Testing;

namespace Checkpointer.FaultHost;

/// <summary>A store at which this process dies: right before or right after an object becomes visible, or after so many bytes.</summary>
internal sealed class DyingBackend(IBackend inner, string? before, string? after, long? afterBytes) : Forwarding(inner)
{
    private long _written;

    public static void Die()
    {
        using var self = PidFd.Open(Environment.ProcessId);
        self?.Signal(Signals.Kill);
        Thread.Sleep(Timeout.Infinite);
    }

    public override IObjectUpload BeginPut(string name, CancellationToken cancellationToken) =>
        new Upload(this, base.BeginPut(name, cancellationToken), Matches(name, before), Matches(name, after));

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
