using Checkpointer.Repository;

namespace Checkpointer.Engine.Lineages;

/// <summary>Which lineage a checkpoint continues, and with which generation.</summary>
/// <param name="Target">What is to be made.</param>
/// <param name="Name">The name that was given, or the lineage's own: a workload keeps its name until it gets another.</param>
/// <param name="Findings">What there is to say about the choice.</param>
internal sealed record LineageChoice(SnapshotTarget Target, string? Name, IReadOnlyList<Finding> Findings)
{
    /// <summary>
    /// The lineage of <paramref name="last"/>, this very workload's last snapshot, if the node knows one, else the one that bears <paramref name="name"/> in the repository,
    /// else a new one: also where the name is that of several, of which none is known to be this one's. The generation is one above the highest that repository or node ever saw. The parent is the process's own last snapshot
    /// (after a restore the one that it came from, whatever is newer), where the repository has it, else the newest.
    /// </summary>
    public static async Task<LineageChoice> ChooseAsync(
        CheckpointRepository repository, LineageRegistry registry, SnapshotId? last, string? name, CancellationToken cancellationToken)
    {
        var (newest, findings) = last is { } known
            ? (await repository.FindNewestAsync(known.Lineage.ToString(), cancellationToken).ConfigureAwait(false), [])
            : await ByNameAsync(repository, name, cancellationToken).ConfigureAwait(false);
        var chosen = last?.Lineage ?? newest?.Id.Lineage ?? LineageId.New();
        var highest = Math.Max(newest?.Id.Generation ?? 0, registry.HighestSeen(chosen));
        var parent = last is { } own && await repository.ExistsAsync(own, cancellationToken).ConfigureAwait(false) ? own : newest?.Id;
        return new LineageChoice(new SnapshotTarget(chosen, highest + 1, parent), name ?? newest?.Content.Name, findings);
    }

    private static async Task<(SnapshotInfo? Newest, IReadOnlyList<Finding> Findings)> ByNameAsync(
        CheckpointRepository repository, string? name, CancellationToken cancellationToken)
    {
        try
        {
            return (name is null ? null : await repository.FindNewestAsync(name, cancellationToken).ConfigureAwait(false), []);
        }
        catch (RepositoryException e) when (e.Code == RepositoryCodes.SnapshotAmbiguous)
        {
            var finding = new Finding(
                "name-ambiguous",
                FindingSeverity.Note,
                name!,
                $"{e.Message}; none is known to be this workload's, so it begins a lineage of its own",
                "a name for each workload",
                "restore it by its lineage or id; take its next checkpoint with another --name");
            return (null, [finding]);
        }
    }
}
