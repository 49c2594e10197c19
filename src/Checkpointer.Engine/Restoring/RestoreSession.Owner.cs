using System.Globalization;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Lineages;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Restoring;

/// <summary>The owner of the tree: how it is started, and what it owns in the end.</summary>
internal sealed partial class RestoreSession
{
    private List<string> OwnerArguments()
    {
        List<string> arguments = ["restore", "--operation", _id, "--state", TreeDirectory];
        if (OwnPidNamespace && Target is null)
        {
            arguments.AddRange(["--pid-namespace", "--last-pid", Compatibility.LastPid.ToString(CultureInfo.InvariantCulture)]);
        }

        foreach (var procs in _cgroup!.ProcsFiles)
        {
            arguments.AddRange(["--cgroup-procs", procs]);
        }

        arguments.AddRange(StdioMaps);
        arguments.AddRange(ContainerArguments());
        arguments.AddRange(["--", Criu.Path]);
        arguments.AddRange(new CriuRestoreOptions
        {
            ImagesDirectory = Place.Directory,
            WorkDirectory = LogDirectory,
            LibraryDirectory = Place.EmptyDirectory,
            PidFile = PidFile,
            ActionScript = _services.Hook,
            CloseTcp = Compatibility.CloseTcp,
            EndedTcp = Record.Options.HasEndedConnections(Reader.Files.Select(static f => f.Name)),
            Root = Target is null ? null : StagePath("root"),
            External = [.. ContainerExternals()],
            JoinNamespaces = [.. ContainerNamespaces()],
            Tree = Compatibility.CpuCapability == TreeOptions.DefaultCpuCapability
                ? Record.Options
                : Record.Options with { CpuCapability = Compatibility.CpuCapability },
        }.ToArguments());
        return arguments;
    }

    /// <summary>The tree that runs now, as this node is to remember it.</summary>
    private TreeRecord Describe(ProcessIdentity owner, int rootInside)
    {
        if (Target is { } target)
        {
            return DescribeContainer(target, rootInside);
        }

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
            Cgroups = _request.Cgroup is null ? [_cgroup!.Name] : [],
        };
    }
}
