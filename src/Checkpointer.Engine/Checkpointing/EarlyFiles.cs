using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Preflight;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>
/// Stores the files of containers while they run. Frozen, all of them are read once more, but what is the same need not be compressed, sealed and stored then.
/// Nothing of the snapshot's truth depends on it.
/// </summary>
internal sealed class EarlyFiles
{
    /// <summary>Bytes: less than this is stored so fast that reading it twice gains nothing.</summary>
    public const long Least = 16L << 20;

    private readonly IReadOnlyList<Inspection> _members;
    private readonly PodInspection? _pod;
    private readonly IReadOnlyList<string> _excludes;

    public EarlyFiles(IReadOnlyList<Inspection> members, PodInspection? pod, IReadOnlyList<string> excludes)
    {
        _members = members;
        _pod = pod;
        _excludes = excludes;
    }

    /// <summary>Bytes in files of all containers, as far as they can be read; what cannot is told when it is captured.</summary>
    public async Task<long> MeasureAsync(CancellationToken cancellationToken)
    {
        long bytes = 0;
        await DedicatedThread.Run("measure files", () => ForEach(
            (found, elsewhere) => ContainerCapture.Measure(found, elsewhere, _excludes, more => bytes += more, cancellationToken), static _ => { }))
            .WaitAsync(cancellationToken).ConfigureAwait(false);
        return bytes;
    }

    /// <summary>Stores them; returns when all of it is durable.</summary>
    /// <exception cref="RepositoryException">The store fails.</exception>
    /// <exception cref="OperationCanceledException">The operation was given up, also because nothing moved for too long.</exception>
    public async Task StoreAsync(
        EngineServices services, string operation, SnapshotWriter writer, BlockPool pool, long total, OperationAbort abort, Action<OperationProgress> report)
    {
        var capture = new ContainerCapture(writer, pool, _excludes);
        var speed = new Speedometer(services.Time);
        using var watchdog = new Watchdog(
            services.Time,
            abort,
            services.Options.StallLimit,
            () => HashCode.Combine(writer.Progress.LastAdvance, capture.EarlyBytes),
            () => report(new OperationProgress
            {
                Phase = "",
                BytesDone = capture.EarlyBytes,
                BytesTotal = total,
                BytesStored = writer.Progress.BytesStored,
                BytesPerSecond = speed.Update(capture.EarlyBytes),
            }));
        writer.Hurry = false;
        // A file system that hangs keeps the thread, not the operation: what it reads then goes nowhere.
        await DedicatedThread.Run("early files", () => ForEach(
            (found, elsewhere) => capture.ReadEarly(found, elsewhere, abort.Token),
            e => EngineLog.NotEarly(services.Logger, e, operation))).WaitAsync(abort.Token).ConfigureAwait(false);
        await writer.EndEarlyAsync(abort.Token).ConfigureAwait(false);
        writer.Hurry = true;
    }

    /// <summary>One container whose files cannot be read now does not keep the others from it.</summary>
    private void ForEach(Action<ContainerInspection, IReadOnlySet<string>> work, Action<CheckpointerException> unread)
    {
        for (var i = 0; i < _members.Count; i++)
        {
            if (_members[i].Container is not { } found)
            {
                continue;
            }

            try
            {
                work(found, _pod?.SharedBefore(i) ?? new HashSet<string>());
            }
            catch (CheckpointerException e) when (e is PlatformException or OperationFailedException or RefusedException)
            {
                unread(e);
            }
        }
    }
}
