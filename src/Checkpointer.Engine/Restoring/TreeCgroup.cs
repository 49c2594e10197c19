using System.Globalization;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Restoring;

/// <summary>The cgroup that a restore makes for its tree, named after the operation: whoever is in it belongs to the tree.</summary>
internal static class TreeCgroup
{
    private const string Parent = "checkpointer/";

    /// <summary>Killing is repeated: a process may fork between the list and the kill.</summary>
    private static readonly TimeSpan KillAgain = TimeSpan.FromMilliseconds(20);

    public static string NameOf(string operation) => Parent + operation;

    /// <summary>Whether a name, as a record has it, lies among our own cgroups.</summary>
    public static bool IsOurs(string name) => name.Trim('/').StartsWith(Parent, StringComparison.Ordinal);

    /// <summary>The processes in the cgroup of this operation; none when there is no such cgroup.</summary>
    public static IReadOnlyList<int> Members(string operation) => Cgroup.Open(NameOf(operation))?.Processes() ?? [];

    /// <summary>Kills everything in the cgroup of this operation, until nothing is in it. Null when that is so, else what is left.</summary>
    public static string? EndAll(string operation, TimeSpan deadline)
    {
        if (Cgroup.Open(NameOf(operation)) is not { } cgroup)
        {
            return null;
        }

        // A frozen task does not die of a signal.
        cgroup.Thaw();
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var members = cgroup.Processes();
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
                Kill(cgroup, pid);
            }

            CancellationToken.None.WaitHandle.WaitOne(KillAgain);
        }
    }

    /// <summary>Removes the cgroup of this operation. False when somebody is still in it.</summary>
    public static bool Remove(string operation, TimeSpan patience) =>
        Cgroup.Open(NameOf(operation))?.Delete(patience, CancellationToken.None) ?? true;

    private static void Kill(Cgroup cgroup, int pid)
    {
        using var pidFd = PidFd.Open(pid);
        // Still a member after the pidfd was opened: then the pidfd is the member's, not a stranger's with its pid.
        if (pidFd is not null && cgroup.Processes().Contains(pid))
        {
            pidFd.Signal(Signals.Kill);
        }
    }
}
