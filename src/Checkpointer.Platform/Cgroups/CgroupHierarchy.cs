namespace Checkpointer.Platform;

/// <summary>One mounted cgroup hierarchy.</summary>
/// <param name="MountPoint">Where it is mounted.</param>
/// <param name="MountRoot">Which cgroup the mount point shows: <c>/</c>, or a container's own.</param>
/// <param name="Controllers">Version 1: its controllers, or <c>name=systemd</c>. Empty for version 2.</param>
/// <param name="IsUnified">Version 2.</param>
internal sealed record CgroupHierarchy(string MountPoint, string MountRoot, IReadOnlyList<string> Controllers, bool IsUnified)
{
    private static readonly string[] Known =
    [
        "blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "memory", "misc", "net_cls", "net_prio", "perf_event",
        "pids", "rdma",
    ];

    /// <summary>
    /// The hierarchies in which a restored tree gets a cgroup of its own. The others (cpuset, devices, ...) need settings
    /// before anybody can join, so there the tree stays where its launcher is.
    /// </summary>
    private static readonly string[] Managed = ["cpu", "cpuacct", "freezer", "memory", "pids", "name=systemd"];

    internal bool IsManaged => IsUnified || Controllers.Any(Managed.Contains);

    internal bool HasController(string name) => Controllers.Contains(name);

    internal static IReadOnlyList<CgroupHierarchy> FromMounts(IEnumerable<ProcMountInfo> mounts)
    {
        List<CgroupHierarchy> found = [];
        foreach (ProcMountInfo mount in mounts)
        {
            bool unified = mount.FileSystem == "cgroup2";
            if (!unified && mount.FileSystem != "cgroup")
            {
                continue;
            }

            // Of somebody else's namespace, such as one that a mount of our own covers: it names none of the cgroups that we are told of.
            if (mount.FileSystemRoot.Split('/').Contains(".."))
            {
                continue;
            }

            IReadOnlyList<string> controllers = unified ? [] : ControllersIn(mount.SuperOptions);

            // A hierarchy may be mounted twice (cpu and cpu,cpuacct links; bind mounts): the first serves.
            if (!found.Any(other => other.IsUnified == unified && other.Controllers.SequenceEqual(controllers)))
            {
                found.Add(new CgroupHierarchy(mount.MountPoint, mount.FileSystemRoot, controllers, unified));
            }
        }

        return found;
    }

    /// <summary>The directory of a cgroup path as /proc/PID/cgroup writes it; null when this mount does not show it.</summary>
    internal string? DirectoryOf(string path)
    {
        string root = MountRoot.TrimEnd('/');
        if (path.Split('/').Contains("..") || (path != root && !path.StartsWith(root + "/", StringComparison.Ordinal)))
        {
            return null; // outside of our cgroup namespace, or of what is mounted
        }

        string below = path[root.Length..].Trim('/');
        return below.Length == 0 ? MountPoint : $"{MountPoint}/{below}";
    }

    private static string[] ControllersIn(string superOptions) =>
        [.. superOptions.Split(',').Where(option => Known.Contains(option) || option.StartsWith("name=", StringComparison.Ordinal))];
}
