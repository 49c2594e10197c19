using Checkpointer.Engine.Journal;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Restoring;

/// <summary>Ends a tree that must not live: its restore failed, or its engine died before it could be released.</summary>
internal static class TreeEnding
{
    /// <summary>
    /// Tells the owner to kill everything, and kills the owner if it does not; then whatever is left of the tree in its cgroup, where
    /// orphans of an owner that was killed itself are found. Null when nothing is left, else what is.
    /// </summary>
    public static string? Abandon(string treeDirectory, JournalEntry entry, TimeSpan deadline) =>
        EndOwner(treeDirectory, entry, deadline) ?? TreeCgroup.EndAll(entry, deadline);

    private static string? EndOwner(string treeDirectory, JournalEntry entry, TimeSpan deadline)
    {
        if (entry.Processes is not [var owner, ..])
        {
            // Launched at most, never started: it ends by itself when nobody says start, but why wait.
            TellToAbandon(treeDirectory);
            return null;
        }

        using var pidFd = owner.Open();
        if (pidFd is null)
        {
            return null;
        }

        if (TellToAbandon(treeDirectory) && pidFd.WaitExit(deadline, CancellationToken.None))
        {
            return null;
        }

        var leftovers = ProcessTree.Read(owner.Pid)?.Processes.Select(static p => PidFd.Open(p.Pid)).ToList() ?? [];
        try
        {
            foreach (var process in leftovers)
            {
                process?.Signal(Signals.Kill);
            }

            return pidFd.WaitExit(deadline, CancellationToken.None) ? null : $"process {owner.Pid} does not end";
        }
        finally
        {
            leftovers.ForEach(static p => p?.Dispose());
        }
    }

    /// <summary>False when nobody heard it.</summary>
    private static bool TellToAbandon(string treeDirectory)
    {
        try
        {
            using var connection = TreeConnection.TryConnect(treeDirectory, CancellationToken.None);
            connection?.Send("abandon");
            return connection is not null;
        }
        catch (Exception e) when (e is PlatformException or TimeoutException)
        {
            // It hangs or ends right now: the caller looks, and kills what is left.
            return false;
        }
    }
}
