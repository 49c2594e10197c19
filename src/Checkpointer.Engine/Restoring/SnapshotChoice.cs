using Checkpointer.Engine.Lineages;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Restoring;

/// <summary>Finds the snapshot that a request means, and refuses the ones that would bring back the past unasked.</summary>
internal static class SnapshotChoice
{
    /// <exception cref="RefusedException">The finding, where nothing forces it.</exception>
    public static async Task<SnapshotId> ChooseAsync(
        CheckpointRepository repository, LineageRegistry registry, RestoreRequest request, CancellationToken cancellationToken)
    {
        var (id, finding) = await LookAsync(repository, registry, request, cancellationToken).ConfigureAwait(false);
        return finding is null || request.Force ? id : throw new RefusedException(
            finding.Code, $"Snapshot {id} is not restored as the latest: {finding.Found}.", finding.Remedy)
        { Findings = [finding] };
    }

    /// <summary>The snapshot that is meant, and what speaks against taking it for the latest.</summary>
    public static async Task<(SnapshotId Id, Finding? Finding)> LookAsync(
        CheckpointRepository repository, LineageRegistry registry, RestoreRequest request, CancellationToken cancellationToken)
    {
        if ((request.Snapshot is null) == (request.Latest is null))
        {
            throw new UsageException("snapshot-or-latest", "Name exactly one of SNAPSHOT and --latest NAME.", "checkpointer list shows both.");
        }

        if (request.Snapshot is { } text)
        {
            return (await repository.ResolveAsync(text, cancellationToken).ConfigureAwait(false), null);
        }

        var newest = await repository.GetNewestAsync(request.Latest!, cancellationToken).ConfigureAwait(false);
        if (newest.Damage is { } damage)
        {
            throw new RepositoryException(
                "repository-damaged", $"The newest snapshot of {request.Latest} is damaged: {damage}", "Restore an older one by its id.");
        }

        return (newest.Id, AgainstNewest(repository, registry, newest));
    }

    private static Finding? AgainstNewest(CheckpointRepository repository, LineageRegistry registry, SnapshotInfo newest)
    {
        if (newest.Superseded)
        {
            return About(
                "snapshot-superseded",
                newest,
                "its workload ran on after it was taken",
                "a snapshot that ended its workload",
                "Make sure that no copy runs, then restore with --force.");
        }

        var seen = registry.HighestSeen(newest.Id.Lineage, repository.Id);
        if (seen > newest.Id.Generation)
        {
            return About(
                "generation-rolled-back",
                newest,
                $"generation {newest.Id.Generation} as the newest",
                $"generation {seen}, which this node has seen here",
                "Find out who removed newer snapshots; --force restores this one all the same.");
        }

        var elsewhere = registry.HighestSeen(newest.Id.Lineage);
        if (elsewhere > newest.Id.Generation)
        {
            return About(
                "newer-elsewhere",
                newest,
                $"its workload went on, and this node has seen its generation {elsewhere} in another repository",
                "the workload's newest snapshot",
                "Restore from the other repository; --force restores this one all the same.");
        }

        return null;
    }

    private static Finding About(string code, SnapshotInfo snapshot, string found, string needed, string remedy) =>
        new(code, FindingSeverity.Overridable, snapshot.Id.ToString(), found, needed, remedy);
}
