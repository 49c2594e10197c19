using System.Globalization;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>
/// Containers that run in the pod that a restore goes into and are none of its placeholders. They may have directories in common with those:
/// <c>/dev/shm</c> always, and emptyDirs. What lies there is theirs, too.
/// </summary>
internal static class Neighbours
{
    /// <summary>Those that run a program; one that waits for a restore of its own has nothing yet.</summary>
    /// <param name="services">The engine.</param>
    /// <param name="sandbox">The pod; null where the runtime names none.</param>
    /// <param name="placeholders">Ids of those that are restored into.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<IReadOnlyList<ContainerRecord>> FindAsync(
        EngineServices services, string? sandbox, IReadOnlyCollection<string> placeholders, CancellationToken cancellationToken)
    {
        if (sandbox is null)
        {
            return [];
        }

        List<ContainerRecord> found = [];
        var all = await services.Runtime.ListAsync(cancellationToken).ConfigureAwait(false);
        foreach (var container in all.Where(c => c.SandboxId == sandbox && c.State == "running" && !placeholders.Contains(c.Id)))
        {
            try
            {
                found.Add(await services.Runtime.InspectAsync(container, cancellationToken).ConfigureAwait(false));
            }
            catch (UsageException e) when (e.Code is "container-not-running" or "container-not-found")
            {
                // It has ended meanwhile.
            }
        }

        return [.. found.Where(static r => HoldConnection.StateOf(r.Pid) != HoldState.Waiting)];
    }

    /// <summary>
    /// Compares the directories that a container's snapshot brings with what neighbours have mounted. One that is shared is never emptied: the snapshot's
    /// files are laid in among what is there. Where both have something that has to be wanted.
    /// </summary>
    /// <returns>The destinations that are shared with somebody who runs.</returns>
    public static IReadOnlySet<string> Shared(ContainerPart part, ContainerTarget target, IReadOnlyList<ContainerRecord> neighbours, FindingList findings)
    {
        HashSet<string> shared = new(StringComparer.Ordinal);
        var mounts = neighbours.Select(static n => (n.Name, Mounts: ProcMountInfo.ReadAll(n.Pid))).ToList();
        foreach (var tree in part.FileTrees.Where(static t => t.Kind == FileTreeKind.Directory))
        {
            if (PodMounts.IdentityOf(target.Init.Pid, tree.MountPoint) is not { } here)
            {
                // That it is missing is told elsewhere.
                continue;
            }

            List<string> holders = [.. mounts.Where(n => n.Mounts.Any(m => Covers(here, m))).Select(static n => $"container {n.Name}")];
            if (here == NodeMounts.SharedMemory)
            {
                holders.Add("the node itself");
            }

            if (holders.Count == 0)
            {
                continue;
            }

            shared.Add(tree.MountPoint);
            if (tree.Entries > 0 && !IsEmpty(target, tree.MountPoint))
            {
                findings.Overridable(
                    "mount-in-use", tree.MountPoint, $"{FindingList.Enumerate(holders)} has it, too, and there are files in it", "nobody else there, or nothing in it: the snapshot brings files of its own",
                    "restore into a pod of its own or end the others first; or force it: the snapshot's files are laid in, replace those of the same names, and nothing else is removed");
            }
        }

        return shared;
    }

    /// <summary>The same directory, or a part of it (<c>subPath</c>).</summary>
    internal static bool Covers((DeviceNumber Device, string Root) directory, ProcMountInfo mount) =>
        mount.Device == directory.Device
        && (mount.FileSystemRoot == directory.Root || mount.FileSystemRoot.StartsWith(directory.Root.TrimEnd('/') + "/", StringComparison.Ordinal));

    private static bool IsEmpty(ContainerTarget target, string mountPoint)
    {
        using var root = RootedOpen.OpenRoot(target.Root);
        using var directory = RootedOpen.Open(root, mountPoint.Trim('/'), OpenFlags.Path | OpenFlags.Directory);
        return !Directory.EnumerateFileSystemEntries(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{directory.DangerousGetHandle()}")).Any();
    }
}
