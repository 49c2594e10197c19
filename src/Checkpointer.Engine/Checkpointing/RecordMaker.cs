using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>Writes down what was dumped, while it stands still: since it was inspected processes may have come and gone.</summary>
/// <param name="operation">Which makes the snapshot.</param>
/// <param name="criu">Which dumped.</param>
/// <param name="gpus">The GPUs of the tree with a number; null where it uses none.</param>
internal sealed class RecordMaker(string operation, CriuInstallation criu, Func<int, GpuRecord?> gpus)
{
    /// <param name="dumped">The tree.</param>
    /// <param name="files">What was captured beside its memory.</param>
    /// <param name="container">The container's part; null for a plain tree.</param>
    public WorkloadRecord Of(DumpTree dumped, List<StateFile> files, ContainerPart? container)
    {
        var seen = dumped.Inspection;
        var tree = ProcessTree.Read(dumped.Root.Pid) ?? seen.Tree;
        return new WorkloadRecord
        {
            Version = container is null ? WorkloadRecord.ProcessTreeVersion : WorkloadRecord.ContainerVersion,
            Kind = container is null ? "process-tree" : "container",
            Container = container,
            Operation = operation,
            RootPid = seen.Tree.Root.OwnPid,
            Command = seen.Tree.Root.Stat.Name,
            Processes = tree.Processes.Count,
            Requirement = RequirementBuilder.WhileFrozen(seen.Requirement, tree) with { CriuVersion = criu.Version.ToString() },
            Options = seen.Options,
            StateFiles = files,
            Gpu = gpus(dumped.Number),
            StateDirectories = FileCapture.DirectoriesOf(dumped.Root.Pid, files.Select(static f => f.Path)),
        };
    }

    /// <summary>The record of a pod: what its containers need together, and each of them.</summary>
    public WorkloadRecord Of(PodInspection pod, List<WorkloadRecord> members)
    {
        var first = members[0].Requirement;
        return new WorkloadRecord
        {
            Version = WorkloadRecord.CurrentVersion,
            Kind = "pod",
            Operation = operation,
            RootPid = 0,
            Command = pod.Name,
            Processes = members.Sum(static m => m.Processes),

            // Paths and connections are each container's own, and stand there.
            Requirement = first with
            {
                MemoryBytes = members.Sum(static m => m.Requirement.MemoryBytes),
                PrivateBytes = members.Sum(static m => m.Requirement.PrivateBytes),
                LargestMapping = members.Max(static m => m.Requirement.LargestMapping),
                NeedsOvercommit = members.Exists(static m => m.Requirement.NeedsOvercommit),
                ThreadIds = [],
                MappedFiles = [],
                OpenFiles = [],
                OutsideEnds = [],
                Connections = [],
                Listening = [],
                Directories = [],
            },
            Options = new TreeOptions(),
            StateFiles = [],
            Pod = new PodPart
            {
                Name = pod.Name,
                Namespace = pod.Namespace,
                Members = [.. members.Select(static (m, i) => new PodMember { Prefix = PodMember.PrefixOf(i), Workload = m })],
                Shared = [.. pod.Shared],
            },
        };
    }
}
