using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Lineages;

/// <summary>Decides which lineage a checkpoint continues, and with which generation.</summary>
internal static class LineageChoice
{
    /// <summary>
    /// The lineage of this very process if the node knows one, else the one that bears <paramref name="name"/> in the repository,
    /// else a new one. The generation is one above the highest that repository or node ever saw.
    /// </summary>
    public static async Task<SnapshotTarget> ChooseAsync(
        CheckpointRepository repository, LineageRegistry registry, ProcessIdentity root, string? name, CancellationToken cancellationToken)
    {
        var lineage = registry.Find(root);
        var newest = lineage is { } known
            ? await repository.FindNewestAsync(known.ToString(), cancellationToken).ConfigureAwait(false)
            : name is null ? null : await repository.FindNewestAsync(name, cancellationToken).ConfigureAwait(false);
        var chosen = lineage ?? newest?.Id.Lineage ?? LineageId.New();
        var highest = Math.Max(newest?.Id.Generation ?? 0, registry.HighestSeen(chosen));
        return new SnapshotTarget(chosen, highest + 1, newest?.Id);
    }
}
