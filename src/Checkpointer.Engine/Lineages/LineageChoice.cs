using Checkpointer.Repository;

namespace Checkpointer.Engine.Lineages;

/// <summary>Which lineage a checkpoint continues, and with which generation.</summary>
/// <param name="Target">What is to be made.</param>
/// <param name="Name">The name that was given, or the lineage's own: a workload keeps its name until it gets another.</param>
internal sealed record LineageChoice(SnapshotTarget Target, string? Name)
{
    /// <summary>
    /// The lineage of <paramref name="last"/>, this very workload's last snapshot, if the node knows one, else the one that bears <paramref name="name"/> in the repository,
    /// else a new one. The generation is one above the highest that repository or node ever saw. The parent is the process's own last snapshot
    /// (after a restore the one that it came from, whatever is newer), where the repository has it, else the newest.
    /// </summary>
    public static async Task<LineageChoice> ChooseAsync(
        CheckpointRepository repository, LineageRegistry registry, SnapshotId? last, string? name, CancellationToken cancellationToken)
    {
        var newest = last is { } known
            ? await repository.FindNewestAsync(known.Lineage.ToString(), cancellationToken).ConfigureAwait(false)
            : name is null ? null : await repository.FindNewestAsync(name, cancellationToken).ConfigureAwait(false);
        var chosen = last?.Lineage ?? newest?.Id.Lineage ?? LineageId.New();
        var highest = Math.Max(newest?.Id.Generation ?? 0, registry.HighestSeen(chosen));
        var parent = last is { } own && await repository.ExistsAsync(own, cancellationToken).ConfigureAwait(false) ? own : newest?.Id;
        return new LineageChoice(new SnapshotTarget(chosen, highest + 1, parent), name ?? newest?.Content.Name);
    }
}
