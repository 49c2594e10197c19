using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>
/// What becomes of each mount of a container: proc is made anew by CRIU, all others are external (docs/native.md says why), and of those
/// some travel by content. Only what belongs to the workload travels: its changes of the image, its tmpfs and emptyDirs; never what the pod is given by
/// its cluster (tokens, configuration, claims).
/// </summary>
internal sealed class MountPlan
{
    /// <summary>Mounts of one container, against nonsense from /proc of a hostile one. The kernel's own default limit is 100,000.</summary>
    private const int MostMounts = 4096;

    private readonly List<ContainerMount> _external = [];
    private readonly List<CapturedPart> _captured = [];
    private readonly List<string> _uncovered = [];
    private readonly List<ProcMountInfo> _deleted = [];
    private readonly List<string> _lost = [];

    private MountPlan(ProcMountInfo root)
    {
        Root = root;
    }

    /// <summary>The mount of the container's root.</summary>
    public ProcMountInfo Root { get; }

    public IReadOnlyList<ContainerMount> External => _external;

    public IReadOnlyList<CapturedPart> Captured => _captured;

    /// <summary>Destinations that the workload can write and whose content is not in the snapshot.</summary>
    public IReadOnlyList<string> Uncovered => _uncovered;

    /// <summary>
    /// Mounts whose source was deleted on the node, or replaced by another file of the same name, as a cluster does with every file of a
    /// configuration that is updated. They are external: the placeholder's take their places. See <see cref="Criu.MountsImage"/>.
    /// </summary>
    public IReadOnlyList<ProcMountInfo> Deleted => _deleted;

    /// <summary>Destinations of mounts that are not external and whose source is gone: of processes in /proc. CRIU cannot make them again.</summary>
    public IReadOnlyList<string> Lost => _lost;

    /// <summary>Null when the root's changes can be captured; else why they cannot.</summary>
    public string? RootNotCaptured { get; private set; }

    /// <param name="mounts">As the workload's root sees them.</param>
    /// <param name="root">The workload's root, in our pid namespace.</param>
    /// <param name="volumes">What the pod asked for.</param>
    /// <param name="nodes">The node's own shared memory, which a container of a pod with <c>hostIPC</c> has; null where there is none.</param>
    /// <exception cref="OperationFailedException">Code <c>container-mounts</c>: no root mount, or too many mounts.</exception>
    public static MountPlan Read(
        IReadOnlyList<ProcMountInfo> mounts, int root, IReadOnlyList<ContainerVolume> volumes, (DeviceNumber Device, string Root)? nodes = null)
    {
        // The last mount on a path is the one that is seen.
        var top = mounts.LastOrDefault(static m => m.MountPoint == "/");
        if (top is null || mounts.Count > MostMounts)
        {
            throw new OperationFailedException(
                "container-mounts", $"Process {root} has {mounts.Count} mounts and {(top is null ? "no" : "a")} root among them.", "Look at its /proc/PID/mountinfo.");
        }

        MountPlan plan = new(top);
        plan.TakeRoot();
        foreach (var mount in mounts.Where(m => m != top && m.MountPoint != "/"))
        {
            plan.Take(mount, root, volumes, nodes);
        }

        return plan;
    }

    private static bool Has(string options, string word) => options.Split(',').Contains(word, StringComparer.Ordinal);

    private static bool IsBelow(string path, string directory) => path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal);

    private void TakeRoot()
    {
        if (Has(Root.Options, "ro"))
        {
            // Nothing can have been changed.
            return;
        }

        const string UpperPrefix = "upperdir=";
        var upper = Root.SuperOptions.Split(',').FirstOrDefault(static o => o.StartsWith(UpperPrefix, StringComparison.Ordinal))?[UpperPrefix.Length..];
        if (Root.FileSystem != "overlay" || upper is not { Length: > 1 } || upper[0] != '/')
        {
            RootNotCaptured = $"its root is {Root.FileSystem}, of which no changes are known";
        }
        else if (!Directory.Exists(ProcText.Unescape(upper)))
        {
            RootNotCaptured = $"the upper directory {upper} of its root is not visible from here";
        }
        else
        {
            _captured.Add(new CapturedPart("/", FileTreeKind.OverlayUpper, ProcText.Unescape(upper)));
        }
    }

    private void Take(ProcMountInfo mount, int root, IReadOnlyList<ContainerVolume> volumes, (DeviceNumber Device, string Root)? nodes)
    {
        if (mount.FileSystem == "proc")
        {
            // CRIU mounts it for the pid namespace that it makes: the placeholder's would show the placeholder's processes.
            if (mount.IsDeleted)
            {
                _lost.Add(mount.MountPoint);
            }

            return;
        }

        if (mount.IsDeleted)
        {
            _deleted.Add(mount);
        }

        var volume = volumes.FirstOrDefault(v => v.Destination.TrimEnd('/') == mount.MountPoint);
        var readOnly = Has(mount.Options, "ro");
        var runtime = IsRuntime(mount);
        var captured = !readOnly && !runtime && IsWorkloads(mount, volume) && (mount.Device, mount.FileSystemRoot) != nodes;
        if (captured)
        {
            _captured.Add(new CapturedPart(mount.MountPoint, FileTreeKind.Directory, $"/proc/{root}/root", mount.Id));
        }
        else if (!readOnly && !runtime && !IsFurniture(mount))
        {
            _uncovered.Add(mount.MountPoint);
        }

        _external.Add(new ContainerMount
        {
            Key = $"m{_external.Count + 1}",
            Destination = mount.MountPoint,
            FileSystem = mount.FileSystem,
            ReadOnly = readOnly,
            Captured = captured,
            IsFile = FileStatus.Of($"/proc/{root}/root{mount.MountPoint}") is { Type: not FileType.Directory },
            Runtime = runtime,
        });
    }

    /// <summary>The runtime's: /dev itself and devices in it, cgroups, masked paths. /dev/shm is the workload's.</summary>
    private static bool IsRuntime(ProcMountInfo mount) =>
        mount.FileSystem is "cgroup" or "cgroup2"
        || IsBelow(mount.MountPoint, "/proc")
        || IsBelow(mount.MountPoint, "/sys")
        || (IsBelow(mount.MountPoint, "/dev") && mount.MountPoint != "/dev/shm");

    /// <summary>A tmpfs of the container, shared memory, and emptyDirs, in memory or on a disk. A pod's other volumes are not its own.</summary>
    private static bool IsWorkloads(ProcMountInfo mount, ContainerVolume? volume)
    {
        if (volume is not null)
        {
            return volume.Source.Contains("/kubernetes.io~empty-dir/", StringComparison.Ordinal);
        }

        return mount.MountPoint == "/dev/shm" || (mount.FileSystem == "tmpfs" && mount.FileSystemRoot == "/");
    }

    /// <summary>Files of the pod that every container gets, and that belong to the new pod.</summary>
    private static bool IsFurniture(ProcMountInfo mount) => mount.MountPoint is "/etc/hosts" or "/etc/hostname" or "/etc/resolv.conf" or "/dev/termination-log";
}
