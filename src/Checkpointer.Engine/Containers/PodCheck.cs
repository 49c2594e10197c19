using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>What containers of a pod may have in common and cannot have again after a restore, each of which is made by a CRIU of its own.</summary>
internal static class PodCheck
{
    public static void Run(PodSubject subject, IReadOnlyList<Inspection> members, List<Finding> findings)
    {
        FindingList found = new();
        SystemV(subject, members, found);
        Unlinked(subject, members, found);
        Peers(subject, members, found);
        findings.AddRange(found.ToVerdict().Findings);
    }

    /// <summary>Each container that uses such objects gets them in an IPC namespace of its own.</summary>
    private static void SystemV(PodSubject subject, IReadOnlyList<Inspection> members, FindingList findings)
    {
        var users = subject.Members.Where((_, i) => members[i].Container!.OwnIpc).Select(static m => m.Record.Name).ToList();
        if (users.Count > 1)
        {
            findings.Overridable(
                "system-v-shared", FindingList.Enumerate(users), "System V shared memory, semaphores or queues, which the pod shares", "at most one container that uses them",
                "force it if the containers do not use each other's: every one gets a copy of its own");
        }
    }

    /// <summary>A file without a name is made anew in each container: they would not see each other's writes any more.</summary>
    private static void Unlinked(PodSubject subject, IReadOnlyList<Inspection> members, FindingList findings)
    {
        Dictionary<(ulong, ulong), HashSet<string>> holders = [];
        for (var i = 0; i < members.Count; i++)
        {
            foreach (var file in members[i].Tree.Processes.SelectMany(static p => PodFiles.Unlinked(p.Pid)))
            {
                (holders.TryGetValue(file, out var names) ? names : holders[file] = []).Add(subject.Members[i].Record.Name);
            }
        }

        if (holders.Values.FirstOrDefault(static names => names.Count > 1) is { } shared)
        {
            findings.Blocker(
                "unlinked-file-shared", FindingList.Enumerate([.. shared.Order(StringComparer.Ordinal)]), "an unlinked file, or one of memfd_create, that several containers hold open or map",
                "files with a name", "close it, or give it a name in a volume of both");
        }
    }

    /// <summary>Pipes and unix connections whose ends are in two containers: a CRIU restores only whole ones.</summary>
    private static void Peers(PodSubject subject, IReadOnlyList<Inspection> members, FindingList findings)
    {
        var ends = members.Select(static m => m.OutsideEnds.Where(static e => e.Kind is StdioKind.Pipe or StdioKind.Fifo).Select(static e => e.Key).ToHashSet(StringComparer.Ordinal)).ToList();
        var both = ends.SelectMany((keys, i) => keys.Select(key => (Key: key, Name: subject.Members[i].Record.Name)))
            .GroupBy(static e => e.Key, static e => e.Name)
            .FirstOrDefault(static g => g.Count() > 1);
        if (both is not null)
        {
            findings.Blocker(
                "pipe-between-containers", $"{both.Key} between {string.Join(" and ", both)}", "each container has an end of it", "both ends in one container",
                "let them speak over TCP, which goes on, or close it before the checkpoint");
        }

        var sockets = members.Select(static m => PodFiles.UnixSockets(m)).ToList();
        for (var i = 0; i < members.Count; i++)
        {
            var peer = sockets.FindIndex(other => other != sockets[i] && other.Own.Overlaps(sockets[i].Peers));
            if (peer > i)
            {
                findings.Blocker(
                    "unix-between-containers", $"{subject.Members[i].Record.Name} and {subject.Members[peer].Record.Name}", "a connected unix socket between them", "both ends in one container",
                    "let them speak over TCP, which goes on, or close the connection before the checkpoint");
            }
        }
    }
}
