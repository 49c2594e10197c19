using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>The trees of a checkpoint: where each has its sockets and logs, and what the journal says of them.</summary>
internal sealed partial class CheckpointOperation
{
    private static List<DumpTree> Trees(CheckpointWorkload workload, IReadOnlyList<Inspection> inspections, RunPlace place, string logs)
    {
        List<DumpTree> trees = [];
        for (var i = 0; i < inspections.Count; i++)
        {
            var alone = workload.Pod is null;
            var prefix = alone ? "" : PodMember.PrefixOf(i);
            var name = prefix.TrimEnd('-');
            if (!alone)
            {
                StateDirectories.Create(Path.Combine(logs, name));
            }

            trees.Add(new DumpTree
            {
                Number = i,
                Prefix = prefix,
                Inspection = inspections[i],
                Root = workload.Roots[i],
                EnterNamespacesOf = workload.Owner,
                Place = alone ? place : place.Below(name),
                LogDirectory = alone ? logs : Path.Combine(logs, name),
                Freezer = inspections.Count == 1 ? null : Cgroup.Of(workload.Roots[i].Pid),
            });
        }

        return trees;
    }

    private JournalEntry Describe(IReadOnlyList<DumpTree> trees, SnapshotTarget target, RunPlace place)
    {
        var entry = JournalEntry.Begin(
            _id,
            OperationKind.Checkpoint,
            _services.Time.GetUtcNow(),
            _request.Repository,
            _request.KeyFile,
            trees[0].Root.BootId,
            new SnapshotId(target.Lineage, target.Generation),
            place.Directory);
        entry = entry with { LeaveRunning = _request.LeaveRunning };
        return trees[0].Prefix.Length == 0
            ? Describe(entry, trees[0])
            : entry with { Version = JournalEntry.SeveralTreesVersion, Members = [.. trees.Select(t => JournalMember.Of(Describe(entry, t)))] };
    }

    private static JournalEntry Describe(JournalEntry entry, DumpTree tree) => entry with
    {
        Processes =
        [
            .. tree.Inspection.Tree.Processes.Select(p => new JournalProcess(
                p.Pid, p.StartTime, tree.Root.PidNamespace, p.Stat.State == 'T')),
        ],
        CriuLog = tree.LogPath,
        NetworkNamespace = NamespaceInode.Of(tree.Root.Pid, "net"),
        Freezer = tree.Freezer?.Name,
    };
}
