using System.Globalization;
using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Lineages;
using Checkpointer.Engine.Restoring;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Recovery;

/// <summary>Ends a restore whose engine died: a tree that CRIU finished is adopted, anything less is killed. The snapshot is untouched.</summary>
internal sealed class RestoreRecovery
{
    /// <summary>CRIU that lost its engine fails, or finishes when it was released already, within seconds.</summary>
    private static readonly TimeSpan SettleDeadline = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan AnswerDeadline = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    private readonly EngineServices _services;

    public RestoreRecovery(EngineServices services)
    {
        _services = services;
    }

    /// <param name="entry">What the engine that died left.</param>
    /// <param name="cancellationToken">Ends the waits.</param>
    /// <param name="open">The entry as it is held; null where it has no GPU part.</param>
    public async Task<RecoveryOutcome> RecoverAsync(JournalEntry entry, CancellationToken cancellationToken, OpenJournalEntry? open = null)
    {
        var outcome = await EndMadeAsync(entry, cancellationToken, open).ConfigureAwait(false);
        return outcome.Close && entry.StateFiles is { } files ? StateFileRecovery.End(entry, files, outcome) : outcome;
    }

    /// <summary>Ends the restore, and with it the pod that was made for it, unless that holds what was restored.</summary>
    private async Task<RecoveryOutcome> EndMadeAsync(JournalEntry entry, CancellationToken cancellationToken, OpenJournalEntry? open)
    {
        if (entry.MadePod is not { } made)
        {
            return await EndAsync(entry, cancellationToken, open).ConfigureAwait(false);
        }

        var outcome = entry.IsOnlyMadePod
            ? new RecoveryOutcome("tree-killed", $"The restore of {entry.Snapshot} was not finished; nothing of it is left. Restore again.")
            : await EndAsync(entry, cancellationToken, open).ConfigureAwait(false);
        if (!outcome.Close || outcome.Outcome == "tree-adopted" || (outcome.Outcome == "closed-as-gone" && entry.Released))
        {
            // It holds what was restored.
            return outcome;
        }

        try
        {
            await MadePod.RemoveAsync(_services, made, settle: entry.IsOnlyMadePod, cancellationToken).ConfigureAwait(false);
            return outcome with { Message = outcome.Message + " The pod that was made for it was removed." };
        }
        catch (Exception e) when (e is CheckpointerException or IOException or UnauthorizedAccessException)
        {
            return new RecoveryOutcome("attention", $"The pod with uid {made} that was made for the restore of {entry.Snapshot} could not be removed: {e.Message}", Close: false);
        }
    }

    private async Task<RecoveryOutcome> EndAsync(JournalEntry entry, CancellationToken cancellationToken, OpenJournalEntry? open)
    {
        var directory = _services.Trees.DirectoryOf(entry.Operation);
        if (entry.BootId != Host.BootId)
        {
            RemoveUnreleased(directory);
            return new RecoveryOutcome("closed-as-gone", "The machine was started anew since; the restored tree is gone, its snapshot is not.");
        }

        if (entry.Members is not null)
        {
            await Task.WhenAll(entry.Parts.Select(p => SettleAsync(p.TreeDirectory!, cancellationToken))).ConfigureAwait(false);
            return await new PodRestoreRecovery(_services, SettleDeadline)
                .RecoverAsync(entry, (owners, what, then) => FinishGpusAsync(open, owners, what, then, cancellationToken), cancellationToken).ConfigureAwait(false);
        }

        var status = await SettleAsync(directory, cancellationToken).ConfigureAwait(false);
        if (entry.Container is { } container
            && await DedicatedThread.Run("ask placeholder", () => RestoredRoot(container, cancellationToken)).ConfigureAwait(false) is { } restored)
        {
            return await FinishAsync(
                () => FinishGpusAsync(open, Only([container.Pid]), $"Snapshot {entry.Snapshot} had been restored into container {container.Id}", "it runs on", cancellationToken),
                () => Adopt(entry, container, restored)).ConfigureAwait(false);
        }

        if (entry.Container is null && status is ["status", "running", var pid] && int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var root))
        {
            return await FinishAsync(
                () => FinishGpusAsync(
                    open, Only(entry.Processes.Take(1).Select(static p => p.Pid)), $"Snapshot {entry.Snapshot} had been restored", "its tree runs on", cancellationToken),
                () => Adopt(entry, root)).ConfigureAwait(false);
        }

        if (status is ["status", "exited" or "signalled", _])
        {
            return new RecoveryOutcome("tree-adopted", $"Snapshot {entry.Snapshot} had been restored; its tree has ended since.");
        }

        if (File.Exists(Path.Combine(directory, "exit")))
        {
            // Only a tree that ran leaves this: restoring once more would repeat what it did.
            return new RecoveryOutcome("tree-adopted", $"Snapshot {entry.Snapshot} had been restored; its tree has ended since.");
        }

        if (entry.Released && TreeCgroup.Members(entry) is [var member, ..] members)
        {
            // It may have run for long since: whether it may be ended is for a person to say. Until then it shall not wait for its GPUs.
            var left = await FinishGpusAsync(open, Only(members), $"Snapshot {entry.Snapshot} had been restored", "", cancellationToken).ConfigureAwait(false);
            return new RecoveryOutcome(
                "attention",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Snapshot {entry.Snapshot} had been restored, but the owner of its tree is gone; process {member} and others of it run on in cgroup {TreeCgroup.NameOf(entry)}.{(left.Close ? "" : " " + left.Message)}"),
                Close: false);
        }

        var survivor = await DedicatedThread.Run("abandon tree", () => TreeEnding.Abandon(directory, entry, SettleDeadline)).ConfigureAwait(false)
            ?? await ContainerEnding.AbandonAsync(_services, entry).ConfigureAwait(false);
        if (survivor is not null)
        {
            return new RecoveryOutcome("attention", $"A half-restored tree could not be ended: {survivor}.", Close: false);
        }

        RemoveUnreleased(directory);
        if (!await DedicatedThread.Run("remove cgroup", () => TreeCgroup.Remove(entry.Operation, SettleDeadline)).ConfigureAwait(false))
        {
            return new RecoveryOutcome(
                "attention", $"Nothing of the half-restored tree is left but its cgroup {TreeCgroup.NameOf(entry.Operation)}, which is in use.", Close: false);
        }

        return new RecoveryOutcome("tree-killed", $"The restore of {entry.Snapshot} was not finished; nothing of it is left. Restore again.");
    }

    /// <summary>First the processes get their GPUs, then the tree is written down: a full disk refuses only the second.</summary>
    internal static async Task<RecoveryOutcome> FinishAsync(Func<Task<RecoveryOutcome>> gpus, Action adopt)
    {
        try
        {
            return await gpus().ConfigureAwait(false);
        }
        finally
        {
            adopt();
        }
    }

    /// <summary>Where the only tree hangs, by the number that a tree has in an entry.</summary>
    private static ILookup<int, int> Only(IEnumerable<int> owners) => owners.ToLookup(static _ => 0);

    /// <summary>Gives adopted trees the GPUs that their engine did not come to give them, by the map that the entry has.</summary>
    private async Task<RecoveryOutcome> FinishGpusAsync(
        OpenJournalEntry? open, ILookup<int, int> owners, string what, string then, CancellationToken cancellationToken) =>
        open is not null && await new GpuRecovery(_services).RunAsync(open, tree => owners[tree], cancellationToken).ConfigureAwait(false) is { } lost
            ? new RecoveryOutcome("attention", $"{what}, but not all of it has its GPU: {lost}.", Close: false)
            : new RecoveryOutcome("tree-adopted", $"{what}; {then}.");

    /// <summary>Removes the directory of a tree that was never let go; what a tree that ran left is kept.</summary>
    private static void RemoveUnreleased(string directory)
    {
        if (Directory.Exists(directory)
            && !File.Exists(Path.Combine(directory, "exit")) && !File.Exists(Path.Combine(directory, TreeRegistry.RecordName)))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Waits until the owner is past restoring; returns its last words, or nothing when it is gone.</summary>
    private async Task<string[]> SettleAsync(string directory, CancellationToken cancellationToken)
    {
        var start = _services.Time.GetTimestamp();
        string[] status = [];
        while (_services.Time.GetElapsedTime(start) < SettleDeadline)
        {
            status = await DedicatedThread.Run("ask tree owner", () => Ask(directory, cancellationToken)).ConfigureAwait(false);
            if (status is not ["status", "restoring"])
            {
                break;
            }

            await Task.Delay(PollInterval, _services.Time, cancellationToken).ConfigureAwait(false);
        }

        return status;
    }

    private static string[] Ask(string directory, CancellationToken cancellationToken)
    {
        using var connection = TreeConnection.TryConnect(directory, cancellationToken);
        if (connection is null)
        {
            return [];
        }

        // An owner that is stopped must not hold the start of everything else.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(AnswerDeadline);
        try
        {
            connection.Send("status");
            return connection.ReadLine(patience.Token)?.Split(' ') ?? [];
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new AttentionException(
                "tree-owner-silent", $"checkpointer-init in {directory} does not answer.", "Look whether it is stopped: kill -CONT resumes it.", e);
        }
    }

    /// <summary>The workload's root when the placeholder owns one, else null.</summary>
    internal static ProcessIdentity? RestoredRoot(JournalContainer container, CancellationToken cancellationToken)
    {
        if (ContainerEnding.Find(container) is not { } init || HoldConnection.StateOf(init.Pid) != HoldState.Running)
        {
            return null;
        }

        using var hold = HoldConnection.Open(init);
        return hold.Status(cancellationToken).Main is { } main ? PidTranslation.ChildOf(init.Pid, main) : null;
    }

    private void Adopt(JournalEntry entry, JournalContainer container, ProcessIdentity root)
    {
        if (!SnapshotId.TryParse(entry.Snapshot, out var snapshot))
        {
            return;
        }

        _services.Trees.Write(Describe(entry, snapshot, container, root));
        _services.Lineages.Bind(root, snapshot, repository: null);
    }

    /// <summary>A tree that a placeholder owns, as this node is to remember it.</summary>
    internal static TreeRecord Describe(JournalEntry entry, SnapshotId snapshot, JournalContainer container, ProcessIdentity root) =>
        Describe(entry, snapshot, (container.Pid, container.StartTime), root.Pid, root) with { Container = container.Id };

    private static TreeRecord Describe(JournalEntry entry, SnapshotId snapshot, (int Pid, ulong StartTime) owner, int rootPid, ProcessIdentity? root) => new()
    {
        Operation = entry.Operation,
        Snapshot = snapshot.ToString(),
        Lineage = snapshot.Lineage.ToString(),
        OwnerPid = owner.Pid,
        OwnerStartTime = owner.StartTime,
        RootPid = rootPid,
        RootStartTime = root?.StartTime ?? 0,
        BootId = entry.BootId,
        OwnPidNamespace = false,
    };

    private void Adopt(JournalEntry entry, int rootInside)
    {
        if (!SnapshotId.TryParse(entry.Snapshot, out var snapshot) || entry.Processes is not [var owner, ..])
        {
            return;
        }

        var inside = NamespaceInode.TryOf(owner.Pid, "pid") != NamespaceInode.TryOf(Environment.ProcessId, "pid");
        var rootPid = inside
            ? ProcessTree.Read(owner.Pid)?.Processes.FirstOrDefault(p => p.Pid != owner.Pid && p.OwnPid == rootInside)?.Pid ?? 0
            : rootInside;
        var identity = ProcessIdentity.Of(rootPid);
        _services.Trees.Write(Describe(entry, snapshot, (owner.Pid, owner.StartTime), rootPid, identity) with
        {
            OwnPidNamespace = inside,
            Cgroups = entry.Cgroup is null ? [TreeCgroup.NameOf(entry.Operation)] : [],
        });
        if (identity is not null)
        {
            _services.Lineages.Bind(identity, snapshot, repository: null);
        }
    }
}
