using System.Globalization;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Lineages;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Restoring;

/// <summary>The owner of the tree: how it is started, and what it owns in the end.</summary>
internal sealed partial class TreeRestore
{
    private readonly RestoreRequest _request;

    private bool OwnPidNamespace => Tree.Compatibility.NeedsPidNamespace;

    /// <summary>The tree that runs now, as this node is to remember it.</summary>
    public TreeRecord Describe(int rootInside)
    {
        if (Tree.Target is { } target)
        {
            return DescribeContainer(target, rootInside);
        }

        var owner = Owner!;
        var root = OwnPidNamespace
            ? ProcessTree.Read(owner.Pid)?.Processes.FirstOrDefault(p => p.Pid != owner.Pid && p.OwnPid == rootInside)?.Pid ?? 0
            : rootInside;
        var identity = root == 0 ? null : ProcessIdentity.Of(root);
        return new TreeRecord
        {
            Operation = _id,
            Snapshot = Reader.Info.Id.ToString(),
            Lineage = Reader.Info.Id.Lineage.ToString(),
            OwnerPid = owner.Pid,
            OwnerStartTime = owner.StartTime,
            RootPid = root,
            RootStartTime = identity?.StartTime ?? 0,
            BootId = owner.BootId,
            OwnPidNamespace = OwnPidNamespace,
            Cgroups = _request.Cgroup is null ? [Cgroup!.Name] : [],
        };
    }

    private List<string> OwnerArguments()
    {
        List<string> arguments = ["restore", "--operation", _id, "--state", Tree.TreeDirectory];
        if (OwnPidNamespace && Tree.Target is null)
        {
            arguments.AddRange(["--pid-namespace", "--last-pid", Tree.Compatibility.LastPid.ToString(CultureInfo.InvariantCulture)]);
        }

        foreach (var procs in Cgroup!.ProcsFiles)
        {
            arguments.AddRange(["--cgroup-procs", procs]);
        }

        var options = Tree.Record.Options;
        arguments.AddRange(Tree.StdioMaps);
        arguments.AddRange(ContainerArguments());
        arguments.AddRange(["--", _criu.Path]);
        arguments.AddRange(new CriuRestoreOptions
        {
            ImagesDirectory = Tree.Place.Directory,
            WorkDirectory = Tree.LogDirectory,
            LibraryDirectory = Tree.Place.EmptyDirectory,
            PidFile = Tree.PidFile,
            ActionScript = _services.Hook,
            CloseTcp = Tree.Compatibility.CloseTcp,
            EndedTcp = options.HasEndedConnections(SnapshotImage.Of(Reader, Tree.Prefix).Select(static f => f.Name)),
            Root = Tree.Target is null ? null : StagePath("root"),
            External = [.. ContainerExternals()],
            JoinNamespaces = [.. ContainerNamespaces()],
            Tree = Tree.Compatibility.CpuCapability == TreeOptions.DefaultCpuCapability
                ? options
                : options with { CpuCapability = Tree.Compatibility.CpuCapability },
        }.ToArguments());
        return arguments;
    }
}
