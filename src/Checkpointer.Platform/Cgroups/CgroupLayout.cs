namespace Checkpointer.Platform;

/// <summary>All cgroup hierarchies that are mounted here.</summary>
internal sealed record CgroupLayout(IReadOnlyList<CgroupHierarchy> Hierarchies)
{
    internal CgroupMode Mode
    {
        get
        {
            bool version1 = Hierarchies.Any(hierarchy => !hierarchy.IsUnified);
            bool version2 = Hierarchies.Any(hierarchy => hierarchy.IsUnified);
            return (version1, version2) switch
            {
                (false, false) => CgroupMode.None,
                (true, false) => CgroupMode.Legacy,
                (true, true) => CgroupMode.Hybrid,
                (false, true) => CgroupMode.Unified,
            };
        }
    }

    internal static CgroupLayout Read() => new(CgroupHierarchy.FromMounts(ProcMountInfo.ReadAll(Environment.ProcessId)));

    /// <summary>
    /// Where a process is, from the text of its /proc/PID/cgroup: lines of <c>number:controllers:path</c>, the version 2
    /// line with no controllers. Hierarchies that are not mounted here are left out.
    /// </summary>
    internal IReadOnlyList<CgroupPlace> PlacesOf(string procCgroup)
    {
        List<CgroupPlace> places = [];
        foreach (string line in ProcText.Split(procCgroup))
        {
            string[] fields = line.Split(':', 3);
            if (fields.Length != 3)
            {
                throw new FormatException($"not a line of /proc/PID/cgroup: '{line}'");
            }

            string[] controllers = fields[1].Split(',', StringSplitOptions.RemoveEmptyEntries);
            CgroupHierarchy? hierarchy = Hierarchies.FirstOrDefault(candidate => controllers.Length == 0
                ? candidate.IsUnified
                : controllers.Any(candidate.HasController));
            if (hierarchy?.DirectoryOf(fields[2]) is { } directory)
            {
                places.Add(new CgroupPlace(hierarchy, fields[2], directory));
            }
        }

        return places;
    }
}

/// <summary>One cgroup in one hierarchy.</summary>
/// <param name="Hierarchy">The hierarchy.</param>
/// <param name="Path">Its path as the kernel names it.</param>
/// <param name="Directory">Its directory here.</param>
internal sealed record CgroupPlace(CgroupHierarchy Hierarchy, string Path, string Directory)
{
    internal string ProcsFile => $"{Directory}/cgroup.procs";

    internal bool IsRoot => Directory == Hierarchy.MountPoint;

    /// <summary>This directory and those above it, up to what is mounted.</summary>
    internal IEnumerable<string> Upwards()
    {
        string directory = Directory;
        while (directory.Length > Hierarchy.MountPoint.Length)
        {
            yield return directory;
            directory = System.IO.Path.GetDirectoryName(directory)!;
        }

        yield return Hierarchy.MountPoint;
    }
}
