using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Repository;

/// <summary>What a writer starts with.</summary>
/// <param name="Search">How it searches its parent; null: not at all.</param>
/// <param name="Use">What is to be told about it.</param>
/// <param name="Digest">The digest of the parent's manifest object; null without a parent, or where it does not exist any more.</param>
/// <param name="Intent">The writer's word to prune; it names the map of the parent that is searched.</param>
internal sealed record OpenedParent(ParentSearch? Search, ParentUse Use, string? Digest, WriterIntent Intent) : IAsyncDisposable
{
    /// <summary>For a writer that was never made.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Search is not null)
        {
            await Search.DisposeAsync().ConfigureAwait(false);
        }

        await Intent.RemoveAsync().ConfigureAwait(false);
    }
}

/// <summary>
/// Opens the parent of a new snapshot, before anything is written and before the workload is frozen. The only place where a writer reads earlier snapshots.
/// A parent that cannot be used never fails a checkpoint: an older generation is tried, and in the end everything is stored.
/// </summary>
internal sealed partial class ParentOpening(IBackend backend, KeyRing keys, SnapshotStore store, SnapshotCatalog catalog, WriterOptions options)
{
    /// <summary>Snapshots that are tried: a store in which four generations in a row are damaged has other worries.</summary>
    internal const int MaxCandidates = 4;

    /// <summary>For opening parents altogether, so that a slow store does not hold a checkpoint back for longer than storing everything might take.</summary>
    internal static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private const string Needed = "an intact earlier snapshot, of which unchanged parts need not be stored again";

    private readonly ILogger _logger = options.Logger ?? NullLogger.Instance;
    private readonly List<Finding> _findings = [];

    /// <summary>The one that stands at the moment.</summary>
    private WriterIntent? _intent;

    public async Task<OpenedParent> OpenAsync(SnapshotTarget target, CancellationToken cancellationToken)
    {
        try
        {
            if (await SearchAsync(target, cancellationToken).ConfigureAwait(false) is { } opened)
            {
                return opened;
            }

            await IntendAsync(target.Id, null, cancellationToken).ConfigureAwait(false);
            string? digest = target.Parent is { } parent ? await DigestAsync(parent, cancellationToken).ConfigureAwait(false) : null;
            return new OpenedParent(null, new ParentUse { Findings = _findings }, digest, _intent!);
        }
        catch (Exception) when (_intent is not null)
        {
            await _intent.RemoveAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Null: nothing is reused, for the reasons in the findings.</summary>
    private async Task<OpenedParent?> SearchAsync(SnapshotTarget target, CancellationToken cancellationToken)
    {
        if (options.ParentMemory < ReuseBudget.Least || target.Parent is not { } parent || parent.Lineage != target.Lineage)
        {
            return null;
        }

        using CancellationTokenSource deadline = new(Deadline, options.Time);
        using CancellationTokenSource linked = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            foreach (SnapshotId id in await CandidatesAsync(parent, linked.Token).ConfigureAwait(false))
            {
                if (await TryAsync(target.Id, id, linked.Token).ConfigureAwait(false) is { } opened)
                {
                    return opened;
                }
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            Note("parent-slow", parent.ToString(), $"it could not be read within {Deadline.TotalSeconds:F0} s", "look at the store's speed with 'checkpointer check'");
        }
        catch (RepositoryException e)
        {
            Note("parent-unusable", parent.ToString(), e.Message, "run 'checkpointer check'");
        }

        return null;
    }

    /// <summary>The parent first, then the generations before it, newest first.</summary>
    private async Task<IEnumerable<SnapshotId>> CandidatesAsync(SnapshotId parent, CancellationToken cancellationToken)
    {
        List<SnapshotId> ids = await catalog.IdsAsync(parent.Lineage, cancellationToken).ConfigureAwait(false);
        return ids.Where(i => i.Generation <= parent.Generation).Reverse().Take(MaxCandidates);
    }

    /// <summary>Null: this one cannot be used, which is noted.</summary>
    private async Task<OpenedParent?> TryAsync(SnapshotId target, SnapshotId id, CancellationToken cancellationToken)
    {
        try
        {
            LoadedManifest manifest = await store.LoadAsync(id, cancellationToken).ConfigureAwait(false);
            string map = ObjectNames.Map(manifest.Map.Id);
            if (await backend.StatAsync(map, cancellationToken).ConfigureAwait(false) is null)
            {
                // An intent must not name it: prune stops where the map of a live writer is missing.
                throw Damage.Missing(map);
            }

            // First the intent, then the question whether the manifest is there: one that is there now is kept by every prune that does not see the intent.
            await IntendAsync(target, manifest.Map, cancellationToken).ConfigureAwait(false);
            return await store.TryDigestAsync(id, cancellationToken).ConfigureAwait(false) == manifest.Info.Digest
                ? await OpenAsync(manifest, cancellationToken).ConfigureAwait(false)
                : null;
        }
        catch (RepositoryException e) when (e.Code == RepositoryCodes.SnapshotNotFound)
        {
            // Deleted since it was listed.
            return null;
        }
        catch (RepositoryException e)
        {
            Log.ParentUnusable(_logger, id.ToString(), e);
            Note("parent-unusable", id.ToString(), e.Message, "run 'checkpointer check' to see what else is affected");
            return null;
        }
    }

    /// <summary>Replaces the intent. Nothing was written yet and nothing of an earlier candidate is used, so there may be none in between.</summary>
    private async Task IntendAsync(SnapshotId target, MapReference? map, CancellationToken cancellationToken)
    {
        if (_intent is { } former)
        {
            _intent = null;
            await former.RemoveAsync().ConfigureAwait(false);
        }

        _intent = await WriterIntent.PutAsync(backend, keys, target, map, options.Logger, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Null also where the parent's manifest is too damaged to have one.</summary>
    private async Task<string?> DigestAsync(SnapshotId parent, CancellationToken cancellationToken)
    {
        try
        {
            return await store.TryDigestAsync(parent, cancellationToken).ConfigureAwait(false);
        }
        catch (RepositoryException e) when (e.Code == RepositoryCodes.Damaged)
        {
            return null;
        }
    }

    private async Task<OpenedParent?> OpenAsync(LoadedManifest manifest, CancellationToken cancellationToken)
    {
        SnapshotId id = manifest.Info.Id;
        ReuseBudget budget = ReuseBudget.For(options.ParentMemory, manifest.Map.IndexLength, manifest.Info.Files);
        if (!budget.IsEnough)
        {
            Note(
                "parent-index-large",
                id.ToString(),
                string.Create(CultureInfo.InvariantCulture, $"the index of its map takes {ByteSize.Format(budget.Index)}"),
                "give the checkpoint more --memory");
            return null;
        }

        MapIndex index = await MapReader.ReadIndexAsync(backend, keys, manifest.Map, cancellationToken).ConfigureAwait(false);
        ParentLayout layout = new(manifest.Map.Id, index);
        bool[] sound = await PackCheck.RunAsync(backend, keys, layout.Packs, cancellationToken).ConfigureAwait(false);
        if (Array.IndexOf(sound, false) is int first and >= 0)
        {
            int bad = sound.Count(static s => !s);
            Note(
                "parent-pack-missing",
                id.ToString(),
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{bad} of its {sound.Length} packs, such as {ObjectNames.Pack(layout.Packs[first].Id)}, are missing or truncated; what they held is stored again"),
                "run 'checkpointer check' to see which snapshots need them");
        }

        ParentPacks packs = new(layout.Packs, sound);
        ParentScan scan = new(backend, keys, layout, packs, budget);
        return scan.Whole
            ? Opened(manifest, new ParentSearch(packs, await scan.ReadWholeAsync(cancellationToken).ConfigureAwait(false), null, null), whole: true)
            : Opened(manifest, await WindowAsync(layout, packs, scan, cancellationToken).ConfigureAwait(false), whole: false);
    }

    private async Task<ParentSearch> WindowAsync(ParentLayout layout, ParentPacks packs, ParentScan scan, CancellationToken cancellationToken)
    {
        (ResidentTable table, SampleTable samples, ParentWindow window) = await scan.ReadWindowAsync(cancellationToken).ConfigureAwait(false);
        Log.ParentSampled(_logger, layout.Entries, samples.Rate);
        return new ParentSearch(packs, table, window, new SegmentLoader(window, () => new SegmentReader(backend, keys, layout), _logger));
    }

    private OpenedParent Opened(LoadedManifest manifest, ParentSearch search, bool whole) =>
        new(search, new ParentUse { Parent = manifest.Info.Id, Whole = whole, Findings = _findings }, manifest.Info.Digest, _intent!);

    private void Note(string code, string subject, string found, string remedy) =>
        _findings.Add(new Finding(code, FindingSeverity.Note, subject, found, Needed, remedy));

    private static partial class Log
    {
        [LoggerMessage(EventId = 2012, Level = LogLevel.Warning, Message = "Snapshot {Snapshot} cannot be the parent of a new one")]
        public static partial void ParentUnusable(ILogger logger, string snapshot, Exception error);

        [LoggerMessage(EventId = 2013, Level = LogLevel.Information, Message = "The parent has {Entries} chunks, more than fit; one in {Rate} is sampled")]
        public static partial void ParentSampled(ILogger logger, long entries, long rate);
    }
}
