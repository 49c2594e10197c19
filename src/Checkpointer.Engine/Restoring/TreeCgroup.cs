using System.Globalization;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Restoring;

/// <summary>
/// The cgroup of a restored tree. One that the restore made is named after the operation: whoever is in it belongs to the tree. In one
/// that a person named there may be others, see <see cref="TreeOrphan"/>.
/// </summary>
internal static class TreeCgroup
{
    private const string Parent = "checkpointer/";

    /// <summary>Killing is repeated: a process may fork between the list and the kill.</summary>
    private static readonly TimeSpan KillAgain = TimeSpan.FromMilliseconds(20);

    public static string NameOf(string operation) => Parent + operation;

    /// <summary>The cgroup that a restore's tree is in.</summary>
    public static string NameOf(JournalEntry entry) => entry.Cgroup?.Name ?? NameOf(entry.Operation);

    /// <summary>Whether a name, as a record has it, lies among our own cgroups.</summary>
    public static bool IsOurs(string name) => name.Trim('/').StartsWith(Parent, StringComparison.Ordinal);

    /// <summary>What is left of the tree in its cgroup when its owner is gone; nothing when there is no such cgroup.</summary>
    public static IReadOnlyList<int> Members(JournalEntry entry) => Cgroup.Open(NameOf(entry)) is { } cgroup ? Selection(entry)(cgroup) : [];

    /// <summary>Kills what is left of the tree in its cgroup, until nothing is. Null when that is so, else what is left.</summary>
    public static string? EndAll(JournalEntry entry, TimeSpan deadline) => entry.Cgroup is null
        ? EndAll(entry.Operation, deadline)
        : Cgroup.Open(entry.Cgroup.Name) is { } shared ? End(shared, Selection(entry), deadline) : null;

    /// <summary>Kills everything in the cgroup that was made for this operation, until nothing is in it. Null when that is so, else what is left.</summary>
    public static string? EndAll(string operation, TimeSpan deadline)
    {
        if (Cgroup.Open(NameOf(operation)) is not { } cgroup)
        {
            return null;
        }

        // A frozen task does not die of a signal. A cgroup with others in it is not ours to thaw.
        cgroup.Thaw();
        return End(cgroup, static c => c.Processes(), deadline);
    }

    /// <summary>Removes the cgroup that was made for this operation. False when somebody is still in it.</summary>
    public static bool Remove(string operation, TimeSpan patience) =>
        Cgroup.Open(NameOf(operation))?.Delete(patience, CancellationToken.None) ?? true;

    private static Func<Cgroup, IReadOnlyList<int>> Selection(JournalEntry entry) =>
        entry.Cgroup is null ? static c => c.Processes() : c => [.. c.Processes().Where(pid => TreeOrphan.Is(pid, entry))];

    private static string? End(Cgroup cgroup, Func<Cgroup, IReadOnlyList<int>> select, TimeSpan deadline)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var members = select(cgroup);
            if (members.Count == 0)
            {
                return null;
            }

            if (TimeProvider.System.GetElapsedTime(start) > deadline)
            {
                return string.Create(CultureInfo.InvariantCulture, $"process {members[0]} in cgroup {cgroup.Name} does not end");
            }

            foreach (var pid in members)
            {
                Kill(cgroup, select, pid);
            }

            CancellationToken.None.WaitHandle.WaitOne(KillAgain);
        }
    }

    private static void Kill(Cgroup cgroup, Func<Cgroup, IReadOnlyList<int>> select, int pid)
    {
        using var pidFd = PidFd.Open(pid);
        // Still one of them after the pidfd was opened: then the pidfd is its, not a stranger's with its pid.
        if (pidFd is not null && select(cgroup).Contains(pid))
        {
            pidFd.Signal(Signals.Kill);
        }
    }
}
