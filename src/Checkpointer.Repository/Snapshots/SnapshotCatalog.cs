using System.Collections.Concurrent;

namespace Checkpointer.Repository;

/// <summary>Which snapshots there are, and which one a text means.</summary>
internal sealed class SnapshotCatalog(IBackend backend, SnapshotStore store)
{
    /// <summary>Manifests read at once: hides a remote store's latency, keeps at most a few in memory.</summary>
    private const int ParallelReads = 8;

    private const int NamedInError = 3;

    public Task<List<SnapshotId>> IdsAsync(CancellationToken cancellationToken) => IdsAsync(ObjectNames.SnapshotsPrefix, cancellationToken);

    /// <summary>The snapshots of one lineage by generation.</summary>
    public Task<List<SnapshotId>> IdsAsync(LineageId lineage, CancellationToken cancellationToken) =>
        IdsAsync($"{ObjectNames.SnapshotsPrefix}{lineage}/", cancellationToken);

    public async Task<IReadOnlyList<SnapshotInfo>> ListAsync(CancellationToken cancellationToken)
    {
        List<SnapshotId> ids = await IdsAsync(cancellationToken).ConfigureAwait(false);
        ConcurrentDictionary<SnapshotId, SnapshotInfo> found = new();
        ParallelOptions options = new() { MaxDegreeOfParallelism = ParallelReads, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(ids, options, async (id, token) =>
        {
            if (await store.DescribeAsync(id, token).ConfigureAwait(false) is { } info)
            {
                found[id] = info;
            }
        }).ConfigureAwait(false);
        return [.. ids.Where(found.ContainsKey).Select(id => found[id])];
    }

    public async Task<SnapshotId> ResolveAsync(string text, CancellationToken cancellationToken)
    {
        List<SnapshotId> ids = await IdsAsync(cancellationToken).ConfigureAwait(false);
        if (SnapshotId.TryParse(text, out SnapshotId exact))
        {
            // Generation 10's id begins with generation 1's: a whole id never means another snapshot.
            return ids.Contains(exact) ? exact : throw new RepositoryException(
                RepositoryCodes.SnapshotNotFound, $"there is no snapshot {exact} in {backend.Describe()}", "run 'checkpointer list' to see the snapshots");
        }

        List<SnapshotId> matches = text.Length == 0 ? [] : [.. ids.Where(i => i.ToString().StartsWith(text, StringComparison.Ordinal))];
        return matches.Count switch
        {
            1 => matches[0],
            0 => throw new RepositoryException(
                RepositoryCodes.SnapshotNotFound, $"no snapshot in {backend.Describe()} begins with '{text}'", "run 'checkpointer list' to see the snapshots"),
            _ => throw new RepositoryException(
                RepositoryCodes.SnapshotAmbiguous, $"'{text}' could be any of {matches.Count} snapshots, for example {matches[0]} and {matches[1]}", "write more of the id"),
        };
    }

    public async Task<SnapshotInfo?> FindNewestAsync(string nameOrLineage, CancellationToken cancellationToken)
    {
        if (LineageId.TryParse(nameOrLineage, out LineageId lineage))
        {
            List<SnapshotId> ids = await IdsAsync(lineage, cancellationToken).ConfigureAwait(false);
            SnapshotId newest = ids.LastOrDefault();
            return newest == default ? null : await store.DescribeAsync(newest, cancellationToken).ConfigureAwait(false);
        }

        IReadOnlyList<SnapshotInfo> all = await ListAsync(cancellationToken).ConfigureAwait(false);
        List<LineageId> lineages = [.. all.Where(s => s.Damage is null && s.Content.Name == nameOrLineage).Select(s => s.Id.Lineage).Distinct()];
        if (lineages.Count > 1)
        {
            throw new RepositoryException(
                RepositoryCodes.SnapshotAmbiguous,
                $"{lineages.Count} workloads have snapshots named '{nameOrLineage}' (lineages {lineages[0]} and {lineages[1]})",
                "name the lineage or the snapshot instead");
        }

        // A damaged newer generation is returned as such: going back silently to an older one would lose work unseen.
        return lineages.Count == 0 ? null : all.Last(s => s.Id.Lineage == lineages[0] && (s.Damage is not null || s.Content.Name == nameOrLineage));
    }

    /// <summary>As <see cref="FindNewestAsync"/>, for whoever needs one. A name that no readable manifest bears may be that of a damaged one: then this is the error.</summary>
    public async Task<SnapshotInfo> GetNewestAsync(string nameOrLineage, CancellationToken cancellationToken)
    {
        if (await FindNewestAsync(nameOrLineage, cancellationToken).ConfigureAwait(false) is { } newest)
        {
            return newest;
        }

        List<SnapshotInfo> damaged = LineageId.TryParse(nameOrLineage, out _)
            ? []
            : [.. (await ListAsync(cancellationToken).ConfigureAwait(false)).Where(static s => s.Damage is not null)];
        if (damaged.Count == 0)
        {
            throw new RepositoryException(
                RepositoryCodes.SnapshotNotFound, $"no snapshot in {backend.Describe()} has the name or lineage '{nameOrLineage}'", "run 'checkpointer list' to see the snapshots");
        }

        string more = damaged.Count > NamedInError ? $" and {damaged.Count - NamedInError} more" : "";
        throw new RepositoryException(
            RepositoryCodes.Damaged,
            $"no readable snapshot in {backend.Describe()} has the name '{nameOrLineage}', and it may be that of a snapshot whose manifest is damaged: "
                + string.Join(", ", damaged.Take(NamedInError).Select(static s => s.Id)) + more,
            "bring the manifest back from a copy or backup of the repository ('checkpointer check' says what is wrong), or restore another snapshot by its id")
        { ObjectName = ObjectNames.Manifest(damaged[0].Id) };
    }

    private async Task<List<SnapshotId>> IdsAsync(string prefix, CancellationToken cancellationToken)
    {
        List<SnapshotId> ids = [];
        await foreach (ObjectInfo info in backend.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
        {
            if (TryParse(info.Name, out SnapshotId id))
            {
                ids.Add(id);
            }
        }

        return [.. ids.OrderBy(i => i.Lineage.ToString(), StringComparer.Ordinal).ThenBy(i => i.Generation)];
    }

    internal static bool TryParse(string name, out SnapshotId id)
    {
        id = default;
        ReadOnlySpan<char> rest = name.AsSpan(ObjectNames.SnapshotsPrefix.Length);
        const int GenerationDigits = 16;
        if (rest.Length != LineageId.TextLength + 1 + GenerationDigits
            || rest[LineageId.TextLength] != '/'
            || !LineageId.TryParse(rest[..LineageId.TextLength], out LineageId lineage)
            || !long.TryParse(rest[(LineageId.TextLength + 1)..], System.Globalization.NumberStyles.AllowHexSpecifier, null, out long generation)
            || generation < 1)
        {
            return false;
        }

        id = new SnapshotId(lineage, generation);
        return ObjectNames.Manifest(id) == name;
    }
}
