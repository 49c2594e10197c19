using System.Globalization;
using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Lineages;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Restoring;

/// <summary>
/// What is different when the tree goes into a placeholder: its files are laid into the container first, CRIU takes every mount from the
/// container by its destination, and the container's PID 1 becomes the owner.
/// </summary>
internal sealed partial class TreeRestore
{
    /// <summary>Where the placeholder's mounts lie for CRIU, in its own mount namespace only.</summary>
    private const string StageName = "stage";

    /// <summary>The placeholder waits this long for a restore that was begun before it takes it for lost. A large image at a slow store needs hours.</summary>
    private static readonly TimeSpan ReserveLimit = TimeSpan.FromHours(24);

    private string Stage => Path.Combine(Tree.Place.Directory, StageName);

    /// <summary>Nobody else restores into the placeholder from now on.</summary>
    public async Task ReserveAsync()
    {
        if (Tree.Target is { } target)
        {
            await DedicatedThread.Run("reserve placeholder", () =>
            {
                using var hold = HoldConnection.Open(target.Init);
                hold.Reserve(_id, ReserveLimit, _abort.Token);
            }).ConfigureAwait(false);
        }
    }

    /// <summary>Lays the captured files into the container.</summary>
    public async Task FillAsync()
    {
        if (Tree.Target is not { } target)
        {
            return;
        }

        StateDirectories.Create(Stage);
        using var root = RootedOpen.OpenRoot(target.Root);
        foreach (var tree in Tree.Record.Container!.FileTrees)
        {
            using var place = RootedOpen.Open(root, tree.MountPoint.Trim('/') is { Length: > 0 } below ? below : ".", OpenFlags.Path | OpenFlags.Directory);
            await _trees.ApplyAsync(tree, place, Tree.Merged.Contains(tree.MountPoint), _abort.Token).ConfigureAwait(false);
        }
    }

    private string StagePath(string name) => Path.Combine(Stage, name);

    private List<string> ContainerArguments()
    {
        List<string> arguments = [];
        if (Tree.Target is { } target)
        {
            arguments.AddRange(["--into", target.Init.Pid.ToString(CultureInfo.InvariantCulture), "--stage", Stage, "--take", "/=root"]);
            foreach (var mount in Tree.Record.Container!.Mounts)
            {
                arguments.AddRange(["--take", $"{mount.Destination}={mount.Key}"]);
            }

            arguments.AddRange(PidArguments(target));
        }

        return arguments;
    }

    /// <summary>A tree that shared its pid namespace goes into the placeholder's own, whose numbers CRIU and its helpers must leave free.</summary>
    private IEnumerable<string> PidArguments(ContainerTarget target) => !ContainerPids.IsExternal(Tree.Record.Options.External) ? [] :
    [
        "--last-pid", Tree.Compatibility.LastPid.ToString(CultureInfo.InvariantCulture),
        "--map", string.Create(CultureInfo.InvariantCulture, $"{ContainerPids.External}=file-r:/proc/{target.Init.Pid}/ns/pid"),
    ];

    private IEnumerable<string> ContainerExternals() =>
        Tree.Target is null ? [] : Tree.Record.Container!.Mounts.Select(m => $"mnt[{m.Key}]:{StagePath(m.Key)}");

    /// <summary>PID 1 of the namespace that CRIU runs in is the placeholder's.</summary>
    private IEnumerable<string> ContainerNamespaces() =>
        Tree.Target is null ? [] : Tree.Record.Container!.OwnIpc ? ["uts:/proc/1/ns/uts"] : ["ipc:/proc/1/ns/ipc", "uts:/proc/1/ns/uts"];

    private TreeRecord DescribeContainer(ContainerTarget target, int rootInside)
    {
        var root = PidTranslation.ChildOf(target.Init.Pid, rootInside);
        return new TreeRecord
        {
            Operation = _id,
            Snapshot = Reader.Info.Id.ToString(),
            Lineage = Reader.Info.Id.Lineage.ToString(),
            OwnerPid = target.Init.Pid,
            OwnerStartTime = target.Init.StartTime,
            RootPid = root?.Pid ?? 0,
            RootStartTime = root?.StartTime ?? 0,
            BootId = target.Init.BootId,
            OwnPidNamespace = false,
            Container = target.Record.Id,
        };
    }
}
