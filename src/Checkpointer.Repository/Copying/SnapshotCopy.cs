using Checkpointer.Platform;

namespace Checkpointer.Repository;

/// <summary>
/// Copies one snapshot into another repository: chunks keep their cuts and their compression, get a new hash and a new seal, and are not stored again where the
/// target's earlier generation of the lineage has them. At most <see cref="InFlight"/> runs are in memory.
/// </summary>
internal sealed class SnapshotCopy(CheckpointRepository source, CheckpointRepository target, CopyOptions options)
{
    /// <summary>Raw bytes of one run: one ranged read.</summary>
    internal const int RunBytes = 512 << 10;

    /// <summary>Runs that are being fetched, or wait for a worker: hides a remote store's latency.</summary>
    internal const int InFlight = 16;

    /// <summary>Blocks of the pool that a writer must have although nothing goes through it here.</summary>
    private const int PoolBlocks = 2;

    private readonly ChunkFetch _fetch = new(source.Backend, source.Keys);

    /// <summary>Bytes beside the writer's own: rented arrays are powers of two.</summary>
    internal static long MemoryBytes => (InFlight * 2L * RunBytes) + PoolBytes + SnapshotReader.DecodeBytes;

    private static long PoolBytes => PoolBlocks * (long)(BlockPool.BlockSize + BlockPool.Headroom);

    /// <summary>Copies, and commits with the source's identity.</summary>
    public async Task<SnapshotInfo> RunAsync(SnapshotId id, SnapshotId? nearest, Action<WriterProgress> report, CancellationToken cancellationToken)
    {
        await using SnapshotReader reader = await source.OpenSnapshotAsync(id, cancellationToken).ConfigureAwait(false);
        using BlockPool pool = new(PoolBytes);

        // Before the writer, whose end gives slots back.
        using SemaphoreSlim slots = new(InFlight);
        WriterOptions writing = new()
        {
            Pool = pool,
            Workers = options.Workers,
            ParentMemory = options.ParentMemory,
            Time = options.Time,
            Logger = options.Logger,
        };
        SnapshotTarget goal = new(id.Lineage, id.Generation, nearest);
        await using SnapshotWriter writer = await target.BeginSnapshotAsync(goal, writing, cancellationToken).ConfigureAwait(false);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        foreach (SnapshotFile file in reader.Files)
        {
            await CopyFileAsync(reader, writer, file, slots, stop, () => report(writer.Progress)).ConfigureAwait(false);
        }

        CopiedIdentity identity = new(
            reader.Info.Parent,
            reader.Info.Parent is { } parent ? await target.Store.TryDigestAsync(parent, cancellationToken).ConfigureAwait(false) : null,
            OriginOf(reader.Info, source.Id),
            reader.Info.Superseded);
        return await writer.CommitCopyAsync(reader.Info.Content, identity, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Where a snapshot was first made: a copy of a copy names the original.</summary>
    public static SnapshotOrigin OriginOf(SnapshotInfo info, string repository) => info.Origin ?? new SnapshotOrigin(repository, info.Digest);

    private async Task CopyFileAsync(
        SnapshotReader reader, SnapshotWriter writer, SnapshotFile file, SemaphoreSlim slots, CancellationTokenSource stop, Action report)
    {
        FileWriter sink = writer.OpenFile(file.Name, file.Kind);
        using FileReader cursor = reader.OpenFile(file.Name);
        List<Task> running = [];
        try
        {
            while (await cursor.NextRunAsync(RunBytes, stop.Token).ConfigureAwait(false) is { } run)
            {
                await slots.WaitAsync(stop.Token).ConfigureAwait(false);
                writer.ThrowIfFailed();
                running.RemoveAll(static t => t.IsCompletedSuccessfully);
                running.Add(MoveAsync(writer, sink, sink.Reserve(run.RawLength), run, slots, stop));
                report();
            }

            await Task.WhenAll(running).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The first failure is the one to tell; what still runs ends before its buffers and the reader go.
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(running).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).ConfigureAwait(false);
            if (running.Find(static t => t.Exception?.InnerException is CheckpointerException) is { } failed)
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failed.Exception!.InnerException!);
            }

            throw;
        }

        sink.Complete();
    }

    private async Task MoveAsync(SnapshotWriter writer, FileWriter sink, long sequence, ChunkRun run, SemaphoreSlim slots, CancellationTokenSource stop)
    {
        Action release = () => slots.Release();
        try
        {
            if (run.IsZero)
            {
                writer.Queue.Enqueue(new ChunkItem(sink, sequence, null, [CopiedPiece.Zero(run.RawLength)], 0, "", release));
                return;
            }

            (byte[] buffer, CopiedPiece[] pieces, string pack) = await Task.Run(() => _fetch.FetchAsync(run, stop.Token), stop.Token).ConfigureAwait(false);
            writer.Queue.Enqueue(new ChunkItem(sink, sequence, buffer, pieces, source.Keys.ChunkHashSeed, pack, release));
        }
        catch (Exception)
        {
            // The reading loop waits for a slot: it sees this one's failure instead.
            await stop.CancelAsync().ConfigureAwait(false);
            release();
            throw;
        }
    }
}

/// <summary>What a copy keeps of the snapshot that it copies.</summary>
internal sealed record CopiedIdentity(SnapshotId? Parent, string? ParentDigest, SnapshotOrigin Origin, bool Superseded);
