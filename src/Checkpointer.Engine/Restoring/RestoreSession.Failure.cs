using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Containers;
using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Restoring;

/// <summary>What is undone when a restore failed: the tree, its cgroup, the files that were put in place for it.</summary>
internal sealed partial class RestoreSession
{
    /// <summary>What the owner and CRIU said; kept beside CRIU's log when the tree's directory goes.</summary>
    private static readonly string[] KeptLogs = ["init.log", "criu.err"];

    private async Task<CheckpointerException> FailAsync(Exception error)
    {
        EngineLog.RestoreFailed(_services.Logger, error, _id);
        var log = File.Exists(LogPath) ? LogPath : null;
        if (_running)
        {
            // The open journal entry lets the next start adopt it.
            return Outcome.With(error, WorkloadState.Running, durable: true, log);
        }

        Silence?.TryEnd();
        if (await AbandonAsync().ConfigureAwait(false) is { } survivor)
        {
            return new AttentionException(
                "tree-not-ended",
                $"{error.Message} Afterwards {survivor}.",
                "End the half-restored processes yourself: kill -9.",
                error)
            {
                Workload = WorkloadState.Unknown,
                SnapshotDurable = true,
                LogFile = log,
            };
        }

        var files = Journal.Entry.StateFiles is { } placed ? new AsideFiles(_id, placed, sameBoot: true) : null;
        var left = files?.PutBack() ?? [];
        CleanUp("cgroup", RemoveCgroup);
        CleanUp("tree directory", RemoveTreeDirectory);
        if (files?.MustBeRepeated != true)
        {
            CleanUp("journal entry", CloseJournal);
        }

        return Outcome.With(left.Count == 0 ? error : NotPutBack(error, left), WorkloadState.Gone, durable: true, log);
    }

    private async Task<string?> AbandonAsync()
    {
        try
        {
            string? survivor = null;
            _restores.ForEach(static r => r.Abandon());
            foreach (var part in Journal.Entry.Parts)
            {
                var left = await DedicatedThread.Run("abandon tree", () => TreeEnding.Abandon(part.TreeDirectory!, part, AbandonDeadline)).ConfigureAwait(false)
                    ?? await ContainerEnding.AbandonAsync(_services, part).ConfigureAwait(false);
                survivor ??= left;
            }

            return survivor;
        }
        catch (Exception e)
        {
            // Not known to be gone is not gone.
            EngineLog.CleanupFailed(_services.Logger, e, _id, "the half-restored tree");
            return $"it is not known whether processes of it are left: {e.Message}";
        }
    }

    /// <summary>The tree is gone; what cannot be cleaned up now is told and must not hide why the restore failed.</summary>
    private void CleanUp(string what, Action work)
    {
        try
        {
            work();
        }
        catch (Exception e)
        {
            EngineLog.CleanupFailed(_services.Logger, e, _id, what);
        }
    }

    private static OperationFailedException NotPutBack(Exception error, List<string> left) => new(
        "state-files-not-put-back",
        $"{error.Message} Afterwards not every file could be put back: {FindingList.Enumerate(left)}.",
        "Look at these files, and move back what you need.",
        error);

    /// <summary>A pod that was made is removed only now: until then the entry tells of it.</summary>
    private void CloseJournal()
    {
        if (Journal.Entry.MadePod is null)
        {
            Journal.Close();
        }
        else
        {
            Journal.Update(static entry => entry.OnlyMadePod());
        }
    }

    private void RemoveCgroup()
    {
        if (_restores is [{ Cgroup: { } cgroup, Tree.Target: null }] && _request.Cgroup is null && !cgroup.Delete(AbandonDeadline, CancellationToken.None))
        {
            // Nobody is left in it that we know of; every later operation and start tries again.
            throw new TimeoutException($"{cgroup.Name} is still in use");
        }
    }

    private void RemoveTreeDirectory()
    {
        foreach (var tree in Trees)
        {
            foreach (var name in KeptLogs)
            {
                var path = Path.Combine(tree.TreeDirectory, name);
                if (File.Exists(path))
                {
                    File.Copy(path, Path.Combine(tree.LogDirectory, name), overwrite: true);
                }
            }
        }

        Directory.Delete(_services.Trees.DirectoryOf(_id), recursive: true);
    }
}
