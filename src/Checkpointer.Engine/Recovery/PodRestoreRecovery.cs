using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Lineages;
using Checkpointer.Engine.Restoring;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Recovery;

/// <summary>
/// Ends the restore of a pod whose engine died: containers that all run are adopted; where none runs nothing is left of any. That some run
/// and others do not can come about only in the moment of letting go: then what runs is left to a person.
/// </summary>
internal sealed class PodRestoreRecovery(EngineServices services, TimeSpan deadline)
{
    /// <param name="entry">What the engine that died left.</param>
    /// <param name="adopted">
    /// Told the first processes of containers that run, by their numbers in the entry, what has been restored, and what it does now: gives
    /// them the GPUs for which they wait.
    /// </param>
    /// <param name="cancellationToken">Ends the waits.</param>
    public async Task<RecoveryOutcome> RecoverAsync(
        JournalEntry entry, Func<ILookup<int, int>, string, string, Task<RecoveryOutcome>> adopted, CancellationToken cancellationToken)
    {
        var parts = entry.Parts;
        var found = await DedicatedThread.Run("ask placeholders", () => parts.Select(p => Look(p, cancellationToken)).ToList()).ConfigureAwait(false);
        PodSilence.EndOf(entry, services.Logger);
        List<(JournalContainer Container, ProcessIdentity Root)> running =
            [.. parts.Zip(found).Where(static p => p.Second.Root is not null).Select(static p => (p.First.Container!, p.Second.Root!))];
        var owners = parts.Zip(found).Select(static (p, i) => (Number: i, p.First.Container, p.Second.Root))
            .Where(static p => p.Root is not null).ToLookup(static p => p.Number, static p => p.Container!.Pid);
        var unfinished = parts.Zip(found).Where(static p => p.Second is { Root: null, Gone: false }).Select(static p => p.First).ToList();
        if (running.Count > 0 && unfinished.Count == 0)
        {
            return await RestoreRecovery.FinishAsync(
                () => adopted(owners, $"Snapshot {entry.Snapshot} had been restored into the containers {Ids(running)}", "they run on"),
                () => Adopt(entry, running)).ConfigureAwait(false);
        }

        var survivor = await AbandonAsync(unfinished).ConfigureAwait(false);
        if (survivor is not null || running.Count > 0)
        {
            // Whoever decides about those that run shall not find them waiting for their GPUs.
            var left = await adopted(owners, $"Snapshot {entry.Snapshot} was being restored", "").ConfigureAwait(false);
            return new RecoveryOutcome(
                "attention",
                (survivor is not null
                    ? $"A half-restored pod could not be ended: {survivor}."
                    : $"Snapshot {entry.Snapshot} was being restored: only the containers {Ids(running)} of the pod run, {unfinished.Count} others do not. End them, then restore again.")
                    + (left.Close ? "" : " " + left.Message),
                Close: false);
        }

        var directory = services.Trees.DirectoryOf(entry.Operation);
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }

        return new RecoveryOutcome("tree-killed", $"The restore of {entry.Snapshot} was not finished; nothing of it is left. Restore again.");
    }

    private static string Ids(List<(JournalContainer Container, ProcessIdentity Root)> running) => string.Join(", ", running.Select(static r => r.Container.Id));

    private static (ProcessIdentity? Root, bool Gone) Look(JournalEntry part, CancellationToken cancellationToken) =>
        part.Container is { } container && ContainerEnding.Find(container) is not null
            ? (RestoreRecovery.RestoredRoot(container, cancellationToken), false)
            : (null, true);

    private async Task<string?> AbandonAsync(List<JournalEntry> unfinished)
    {
        string? survivor = null;
        foreach (var part in unfinished)
        {
            var left = await DedicatedThread.Run("abandon tree", () => TreeEnding.Abandon(part.TreeDirectory!, part, deadline)).ConfigureAwait(false)
                ?? await ContainerEnding.AbandonAsync(services, part).ConfigureAwait(false);
            survivor ??= left;
        }

        return survivor;
    }

    private void Adopt(JournalEntry entry, List<(JournalContainer Container, ProcessIdentity Root)> running)
    {
        if (!SnapshotId.TryParse(entry.Snapshot, out var snapshot))
        {
            return;
        }

        services.Trees.Write(TreeRecord.Of([.. running.Select(r => RestoreRecovery.Describe(entry, snapshot, r.Container, r.Root))], pod: true));
        if (entry.Sandbox is { } sandbox)
        {
            services.Lineages.BindPod(sandbox, snapshot, repository: null);
        }
    }
}
