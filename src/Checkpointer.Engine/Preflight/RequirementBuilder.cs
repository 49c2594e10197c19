using Checkpointer.Engine.Compatibility;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>Puts together what a node must offer to restore the tree.</summary>
internal static class RequirementBuilder
{
    public static Requirement Build(InspectionDraft draft, MemoryProbe memory, FileProbe files)
    {
        return new Requirement
        {
            Architecture = Machine.Architecture,
            CpuFlags = [.. Host.CpuFlags.Order(StringComparer.Ordinal)],
            CpuModel = Host.CpuModel,
            KernelRelease = Host.KernelRelease,
            MemoryBytes = memory.ImageBytes + draft.GhostBytes + files.Tmpfs.Sum(f => f.Size),
            ThreadIds = ThreadIds(draft.Tree),
            OwnPidNamespace = ProcLink.Namespace(draft.Tree.Root.Pid, "pid") != ProcLink.Namespace(Environment.ProcessId, "pid"),
            CgroupMode = Machine.CgroupMode,
            NeedsOvercommit = !OvercommitPolicy.Read().Grants(memory.LargestPrivate, memory.PrivateBytes),
            LargestMapping = memory.LargestPrivate,
            PrivateBytes = memory.PrivateBytes,
            MappedFiles = files.Mapped,
            OpenFiles = files.Open,
            OutsideEnds = draft.OutsideEnds,
            Connections = draft.Connections,
            Listening = draft.Listening,
            Directories = files.Directories,
        };
    }

    /// <summary>
    /// What was required at the inspection, as it is now that the tree stands still: since then its files may have grown, and CRIU wants
    /// them with the sizes that they had when it dumped. A file that is gone stays as it was seen.
    /// </summary>
    public static Requirement WhileFrozen(Requirement seen, ProcessTree tree)
    {
        string root = $"/proc/{tree.Root.Pid}/root";
        return seen with
        {
            ThreadIds = ThreadIds(tree),
            OpenFiles = [.. seen.OpenFiles.Select(f => FileStatus.Of(root + f.Path) is { Type: FileType.Regular } now
                ? f with { Size = now.Size, ModifiedNanoseconds = now.ModifiedNanoseconds }
                : f)],
            MappedFiles = [.. seen.MappedFiles.Select(f => FileStatus.Of(root + f.Path) is { Type: FileType.Regular } now
                ? f with { Size = now.Size }
                : f)],
        };
    }

    /// <summary>Every id that the tree's processes and threads have in their own pid namespace: what a restore needs free.</summary>
    public static IReadOnlyList<int> ThreadIds(ProcessTree tree)
    {
        return [.. tree.Processes.SelectMany(p => p.OwnThreads.Append(p.OwnPid)).Distinct().Order()];
    }
}
