using Checkpointer.Engine.Lineages;
using Checkpointer.Engine.Restoring;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Recovery;

/// <summary>
/// Removes what restores leave behind when their trees have ended or never came to life: the cgroup that was made for each, and, of
/// many, the oldest directories.
/// </summary>
internal sealed class EndedTrees
{
    /// <summary>Output and exit code of this many ended trees can still be read.</summary>
    private const int Kept = 50;

    private readonly EngineServices _services;

    public EndedTrees(EngineServices services)
    {
        _services = services;
    }

    /// <summary>What cannot be removed is told and tried again the next time.</summary>
    public void Sweep()
    {
        List<(string Directory, DateTime Ended)> ended = [];
        foreach (var operation in _services.Trees.Operations())
        {
            Try(operation, "an ended tree", () =>
            {
                var record = _services.Trees.Read(operation);
                if (record is null ? !_services.Journal.Holds(operation) : !OwnerLives(record))
                {
                    RemoveCgroups(record);
                    var directory = _services.Trees.DirectoryOf(operation);
                    ended.Add((directory, Directory.GetLastWriteTimeUtc(directory)));
                }
            });
        }

        foreach (var (directory, _) in ended.OrderByDescending(static e => e.Ended).Skip(Kept))
        {
            Try(Path.GetFileName(directory), "the directory of an ended tree", () => Directory.Delete(directory, recursive: true));
        }

        foreach (var operation in OperationLogs.Operations(_services.Options.StateDirectory))
        {
            Try(operation, "the cgroup of a restore that is over", () => RemoveLeftover(operation));
        }
    }

    private static bool OwnerLives(TreeRecord record) => (record.Members ?? [record]).Exists(IsOwned);

    private static bool IsOwned(TreeRecord record) =>
        record.BootId == Host.BootId && ProcStat.Read(record.OwnerPid) is { IsZombie: false } owner && owner.StartTime == record.OwnerStartTime;

    private static void RemoveCgroups(TreeRecord? record)
    {
        // The record is a file, and files can be edited: only what lies among our own.
        foreach (var name in (record?.Cgroups ?? []).Where(TreeCgroup.IsOurs))
        {
            Cgroup.Open(name.Trim('/'))?.Delete(TimeSpan.Zero, CancellationToken.None);
        }
    }

    /// <summary>
    /// A restore that failed could not remove its cgroup, because a task in it was still dying. The cgroup is looked at first: it is made
    /// after the journal entry, so one that is there while the entry is not belongs to a restore that is over.
    /// </summary>
    private void RemoveLeftover(string operation)
    {
        if (Cgroup.Open(TreeCgroup.NameOf(operation)) is { } cgroup && !_services.Journal.Holds(operation))
        {
            // That of a tree that runs is in use and stays.
            cgroup.Delete(TimeSpan.Zero, CancellationToken.None);
        }
    }

    private void Try(string operation, string what, Action work)
    {
        try
        {
            work();
        }
        catch (Exception e) when (e is CheckpointerException or IOException or UnauthorizedAccessException)
        {
            EngineLog.CleanupFailed(_services.Logger, e, operation, what);
        }
    }
}
