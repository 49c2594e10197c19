using Checkpointer.Engine.Journal;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Restoring;

/// <summary>
/// Knows a process that a restore made and whose owner is gone, among others in a cgroup that a person named. Nobody else may be taken
/// for one, because it is killed.
/// </summary>
internal static class TreeOrphan
{
    /// <summary>The kernel keeps 15 bytes of <c>checkpointer-init</c>.</summary>
    private const string OwnerName = "checkpointer-in";

    /// <summary>How CRIU is told the file that only this restore's CRIU writes.</summary>
    private const string PidFileOption = "--pidfile";

    /// <param name="pid">A process in the named cgroup.</param>
    /// <param name="entry">The restore's; with a <see cref="JournalEntry.Cgroup"/>.</param>
    public static bool Is(int pid, JournalEntry entry)
    {
        // Without an owner nothing was ever started.
        if (entry.Processes is not [var owner, ..] || ProcStat.Read(pid) is not { IsZombie: false } stat || stat.StartTime < owner.StartTime)
        {
            return false;
        }

        return (IsTask(stat, entry) || IsCriu(pid, entry)) && !IsOwnedByAnother(stat, owner);
    }

    /// <summary>
    /// The id alone might be a stranger's who got it first. A task is in a session of its tree, in CRIU's, or in one whose leader is gone.
    /// One from outside of this pid namespace (0 here; an exec into the container of the service) began before the restore.
    /// </summary>
    private static bool IsTask(ProcStat stat, JournalEntry entry)
    {
        var ids = entry.Cgroup!.ThreadIds;
        return ids.Contains(stat.Pid) && stat.Session != 0
            && (ids.Contains(stat.Session) || IsCriu(stat.Session, entry) || ProcStat.Read(stat.Session) is not { IsZombie: false });
    }

    /// <summary>CRIU, and what it forked and did not make a task of the tree yet.</summary>
    private static bool IsCriu(int pid, JournalEntry entry)
    {
        var arguments = (ProcText.TryRead($"/proc/{pid}/cmdline") ?? "").Split('\0');
        var option = Array.IndexOf(arguments, PidFileOption);
        return option >= 0 && option + 1 < arguments.Length && entry.TreeDirectory is { } directory
            && Path.GetDirectoryName(arguments[option + 1]) == directory;
    }

    /// <summary>A later restore of the same snapshot, into the same cgroup, gives the same ids again.</summary>
    private static bool IsOwnedByAnother(ProcStat stat, JournalProcess owner)
    {
        for (var parent = ProcStat.Read(stat.ParentPid); parent is not null && parent.StartTime >= owner.StartTime; parent = ProcStat.Read(parent.ParentPid))
        {
            if (parent.Name == OwnerName)
            {
                return true;
            }
        }

        return false;
    }
}
