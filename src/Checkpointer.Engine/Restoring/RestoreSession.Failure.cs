using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Restoring;

/// <summary>What is undone when a restore failed: the tree, its cgroup, the files that were made for it.</summary>
internal sealed partial class RestoreSession
{
    private async Task<CheckpointerException> FailAsync(Exception error)
    {
        EngineLog.RestoreFailed(_services.Logger, error, _id);
        var log = File.Exists(LogPath) ? LogPath : null;
        if (await DedicatedThread.Run("abandon tree", () => TreeEnding.Abandon(TreeDirectory, Journal.Entry, AbandonDeadline)).ConfigureAwait(false)
            is { } survivor)
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

        foreach (var path in _made)
        {
            File.Delete(path);
        }

        if (_cgroup is { } cgroup && _request.Cgroup is null && !cgroup.Delete(AbandonDeadline, CancellationToken.None))
        {
            EngineLog.CleanupFailed(_services.Logger, error, _id, $"cgroup {cgroup.Name}");
        }

        Directory.Delete(TreeDirectory, recursive: true);
        Journal.Close();
        return Outcome.With(error, WorkloadState.Gone, durable: true, log);
    }
}
