using System.Collections.Concurrent;
using Checkpointer.Repository;
using Checkpointer.Testing;

namespace Checkpointer.Bench;

/// <summary>A store that answers every request so much later, and any number at once: far away, and no bottleneck. Notes the ranges that are read.</summary>
internal sealed class DistantBackend : Forwarding
{
    private readonly IBackend _near;
    private readonly TimeSpan _latency;

    public DistantBackend(IBackend near, TimeSpan latency)
        : base(near) => (_near, _latency) = (near, latency);

    public ConcurrentQueue<(string Name, long Offset, int Length)> Ranges { get; } = new();

    public override async ValueTask<int> ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        await NoteAsync(name, offset, destination.Length, cancellationToken).ConfigureAwait(false);
        return await base.ReadAsync(name, offset, destination, cancellationToken).ConfigureAwait(false);
    }

    public override async ValueTask<int> ReadSealedAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        await NoteAsync(name, offset, destination.Length, cancellationToken).ConfigureAwait(false);
        return await _near.ReadSealedAsync(name, offset, destination, cancellationToken).ConfigureAwait(false);
    }

    public override async ValueTask<ObjectInfo?> StatAsync(string name, CancellationToken cancellationToken)
    {
        await WaitAsync(cancellationToken).ConfigureAwait(false);
        return await base.StatAsync(name, cancellationToken).ConfigureAwait(false);
    }

    public override async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await WaitAsync(cancellationToken).ConfigureAwait(false);
        await foreach (ObjectInfo info in base.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
        {
            yield return info;
        }
    }

    private Task NoteAsync(string name, long offset, int length, CancellationToken cancellationToken)
    {
        Ranges.Enqueue((name, offset, length));
        return WaitAsync(cancellationToken);
    }

    private Task WaitAsync(CancellationToken cancellationToken) => _latency > TimeSpan.Zero ? Task.Delay(_latency, cancellationToken) : Task.CompletedTask;
}
