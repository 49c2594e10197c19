using System.Globalization;

namespace Checkpointer.Repository;

/// <summary>
/// Copies snapshots between two opened repositories, lineage by lineage and oldest generation first, so that later ones find what earlier ones brought. A snapshot
/// that is there already is left alone; whatever was interrupted is done by the next run. One that is damaged does not stop the others.
/// </summary>
public sealed class RepositoryCopy(CheckpointRepository source, CheckpointRepository target, CopyOptions options)
{
    /// <summary>Bytes of one run that is read back.</summary>
    private const int VerifyBytes = 1 << 20;

    private long _bytesDone;
    private long _bytesStored;

    /// <summary>
    /// One result for each snapshot, in the order of copying. Throws what concerns the whole: code copy-same-repository (usage), and failures of a store.
    /// </summary>
    public async Task<IReadOnlyList<CopyResult>> RunAsync(IReadOnlyCollection<SnapshotId> ids, IProgress<CopyProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(ids);
        if (source.Id == target.Id)
        {
            throw new UsageException(
                "copy-same-repository",
                $"{target.Description} is the same repository as {source.Description}",
                "make a new one with 'checkpointer init'; a repository that was copied file by file is still the same one");
        }

        List<SnapshotId> order = [.. ids.Distinct().OrderBy(i => i.Lineage.ToString(), StringComparer.Ordinal).ThenBy(i => i.Generation)];
        List<SnapshotId> there = [.. (await target.IdsAsync(cancellationToken).ConfigureAwait(false)).OrderBy(i => i.Generation)];
        long total = await TotalAsync(order, cancellationToken).ConfigureAwait(false);
        List<CopyResult> results = [];
        foreach (SnapshotId id in order)
        {
            SnapshotId nearest = there.LastOrDefault(t => t.Lineage == id.Lineage && t.Generation < id.Generation);
            CopyResult result = await GuardAsync(id, () => CopyAsync(id, nearest == default ? null : nearest, Report, cancellationToken)).ConfigureAwait(false);
            results.Add(result);
            if (result.Outcome == CopyOutcome.Copied)
            {
                there.Add(id);
                there.Sort(static (a, b) => a.Generation.CompareTo(b.Generation));
            }

            _bytesDone += result.BytesCaptured;
            _bytesStored += result.Outcome == CopyOutcome.Copied ? result.BytesStored : 0;
            Report(0, 0);
        }

        return results;

        void Report(long bytes, long stored) =>
            progress?.Report(new CopyProgress(results.Count, order.Count, _bytesDone + bytes, total, _bytesStored + stored));
    }

    private async Task<CopyResult> CopyAsync(SnapshotId id, SnapshotId? nearest, Action<long, long> report, CancellationToken cancellationToken)
    {
        LoadedManifest original = await source.Store.LoadAsync(id, cancellationToken).ConfigureAwait(false);
        if (await target.Store.TryDigestAsync(id, cancellationToken).ConfigureAwait(false) is not null)
        {
            return await CompareAsync(id, original.Info, cancellationToken).ConfigureAwait(false);
        }

        if (options.DryRun)
        {
            return new CopyResult(id, CopyOutcome.Planned, original.Info.BytesCaptured, 0, false, null);
        }

        SnapshotInfo copied;
        try
        {
            copied = await new SnapshotCopy(source, target, options)
                .RunAsync(id, nearest, p => report(p.BytesCaptured, p.BytesStored), cancellationToken).ConfigureAwait(false);
        }
        catch (RepositoryException e) when (e.Code == RepositoryCodes.GenerationTaken)
        {
            // Another copy, most likely of the same snapshot, was faster.
            return await CompareAsync(id, original.Info, cancellationToken).ConfigureAwait(false);
        }

        if (copied.Files != original.Info.Files || copied.BytesCaptured != original.Info.BytesCaptured)
        {
            throw Damage.Of(
                ObjectNames.Manifest(id),
                string.Create(CultureInfo.InvariantCulture, $"it tells of {original.Info.BytesCaptured} bytes in {original.Info.Files} files, and its map of {copied.BytesCaptured} in {copied.Files}"));
        }

        bool verified = options.Verify && await VerifyAsync(id, cancellationToken).ConfigureAwait(false);
        return new CopyResult(id, CopyOutcome.Copied, copied.BytesCaptured, copied.BytesStored, verified, null);
    }

    /// <summary>The same snapshot has the same origin; the origin's digest covers everything in it. Code copy-conflict for another one of that name.</summary>
    private async Task<CopyResult> CompareAsync(SnapshotId id, SnapshotInfo original, CancellationToken cancellationToken)
    {
        SnapshotInfo there = (await target.Store.LoadAsync(id, cancellationToken).ConfigureAwait(false)).Info;
        if (SnapshotCopy.OriginOf(there, target.Id) != SnapshotCopy.OriginOf(original, source.Id))
        {
            throw new RepositoryException(
                RepositoryCodes.CopyConflict,
                $"{target.Description} has another snapshot {id}, which is no copy of the one in {source.Description}; nothing was changed",
                "the workload went on in both repositories: keep both, or delete one of the two snapshots")
            { ObjectName = ObjectNames.Manifest(id) };
        }

        if (original.Superseded && !there.Superseded && !options.DryRun)
        {
            await target.MarkSupersededAsync(id, "superseded in the repository that it was copied from", cancellationToken).ConfigureAwait(false);
        }

        bool verified = options.Verify && !options.DryRun && await VerifyAsync(id, cancellationToken).ConfigureAwait(false);
        return new CopyResult(id, CopyOutcome.AlreadyThere, there.BytesCaptured, 0, verified, null);
    }

    /// <summary>Reads every byte back from the target: authenticated, decompressed, and compared with its hash.</summary>
    private async Task<bool> VerifyAsync(SnapshotId id, CancellationToken cancellationToken)
    {
        await using SnapshotReader reader = await target.OpenSnapshotAsync(id, cancellationToken).ConfigureAwait(false);
        byte[] buffer = new byte[VerifyBytes];
        foreach (SnapshotFile file in reader.Files)
        {
            using FileReader cursor = reader.OpenFile(file.Name);
            while (await cursor.NextRunAsync(buffer.Length, cancellationToken).ConfigureAwait(false) is { } run)
            {
                if (!run.IsZero)
                {
                    await reader.Decoder.DecodeAsync(run, buffer, verifyHash: true, cancellationToken).ConfigureAwait(false);
                }
            }
        }

        return true;
    }

    private async Task<long> TotalAsync(List<SnapshotId> ids, CancellationToken cancellationToken)
    {
        long total = 0;
        foreach (SnapshotId id in ids)
        {
            total += (await source.Store.TryLoadAsync(id, cancellationToken).ConfigureAwait(false))?.Info.BytesCaptured ?? 0;
        }

        return total;
    }

    /// <summary>What concerns one snapshot becomes its result; what concerns a store ends the run, and the next one goes on.</summary>
    private static async Task<CopyResult> GuardAsync(SnapshotId id, Func<Task<CopyResult>> copy)
    {
        try
        {
            return await copy().ConfigureAwait(false);
        }
        catch (RepositoryException e) when (e.Code is RepositoryCodes.Damaged or RepositoryCodes.TooNew or RepositoryCodes.SnapshotNotFound or RepositoryCodes.CopyConflict)
        {
            return new CopyResult(id, CopyOutcome.Failed, 0, 0, false, e);
        }
    }
}
