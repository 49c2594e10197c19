using Checkpointer.Engine.Lineages;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Recovery;

/// <summary>Removes what trees leave behind when they end: the cgroup that was made for each, and, of many, the oldest directories.</summary>
internal sealed class EndedTrees
{
    /// <summary>Output and exit code of this many ended trees can still be read.</summary>
    private const int Kept = 50;

    private const string OwnCgroups = "checkpointer/";

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
            try
            {
                if (_services.Trees.Read(operation) is { } record && !OwnerLives(record))
                {
                    RemoveCgroups(record);
                    var directory = _services.Trees.DirectoryOf(operation);
                    ended.Add((directory, Directory.GetLastWriteTimeUtc(directory)));
                }
            }
            catch (CheckpointerException e)
            {
                EngineLog.CleanupFailed(_services.Logger, e, operation, "an ended tree");
            }
        }

        foreach (var (directory, _) in ended.OrderByDescending(static e => e.Ended).Skip(Kept))
        {
            try
            {
                Directory.Delete(directory, recursive: true);
            }
            catch (IOException e)
            {
                EngineLog.CleanupFailed(_services.Logger, e, Path.GetFileName(directory), "the directory of an ended tree");
            }
        }
    }

    private static bool OwnerLives(TreeRecord record) =>
        record.BootId == Host.BootId && ProcStat.Read(record.OwnerPid) is { IsZombie: false } owner && owner.StartTime == record.OwnerStartTime;

    private static void RemoveCgroups(TreeRecord record)
    {
        // The record is a file, and files can be edited: only what lies among our own.
        foreach (var name in record.Cgroups.Select(static c => c.Trim('/')).Where(static c => c.StartsWith(OwnCgroups, StringComparison.Ordinal)))
        {
            Cgroup.Open(name)?.Delete(TimeSpan.Zero, CancellationToken.None);
        }
    }
}
