using System.Globalization;

namespace Checkpointer.Platform;

/// <summary>
/// One control group, in all hierarchies that concern us: version 1, version 2 or both at once. Failures of the kernel
/// are <see cref="PlatformException"/>. The object holds paths only; it may be made again by name at any time.
/// </summary>
public sealed partial class Cgroup
{
    private readonly IReadOnlyList<CgroupPlace> _places;

    private Cgroup(string name, IReadOnlyList<CgroupPlace> places)
    {
        Name = name;
        _places = places;
    }

    /// <summary>How cgroups are mounted here.</summary>
    public static CgroupMode Mode => CgroupLayout.Read().Mode;

    /// <summary>
    /// Its path. A process that <see cref="Of"/> looked up may be in different cgroups of different hierarchies: then it
    /// is the one that can freeze it, so that <see cref="Open(string)"/> by this name finds what <see cref="Thaw"/> needs.
    /// </summary>
    public string Name { get; }

    /// <summary>The cgroup.procs of each hierarchy; writing a pid (or 0 for oneself) into all of them joins it.</summary>
    public IReadOnlyList<string> ProcsFiles => [.. _places.Where(place => place.Hierarchy.IsManaged).Select(place => place.ProcsFile)];

    /// <summary>Where a process is now. ESRCH when it is gone; without hierarchies where no cgroups are mounted.</summary>
    public static Cgroup Of(int pid) => From(
        CgroupLayout.Read(),
        ProcText.TryRead($"/proc/{pid}/cgroup") ?? throw PlatformException.FromErrno($"cgroup of {pid}", Errno.ESRCH));

    /// <summary>The existing cgroup of that name; null when no hierarchy has it.</summary>
    public static Cgroup? Open(string name) => Open(CgroupLayout.Read(), name);

    /// <summary>Pids of its processes, in our pid namespace; without those of cgroups below it.</summary>
    public IReadOnlyList<int> Processes()
    {
        // A process outside of our pid namespace is written as 0.
        IEnumerable<int> pids = ProcsFiles.SelectMany(ProcText.Lines).Select(line => int.Parse(line, CultureInfo.InvariantCulture));
        return [.. pids.Where(pid => pid > 0).Distinct()];
    }

    /// <summary>Moves a process (with all its threads) into it, in every hierarchy.</summary>
    public void Join(int pid)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pid);
        foreach (string file in ProcsFiles)
        {
            CgroupFile.Write(file, pid.ToString(CultureInfo.InvariantCulture));
        }
    }

    internal static Cgroup From(CgroupLayout layout, string procCgroup)
    {
        IReadOnlyList<CgroupPlace> places = layout.PlacesOf(procCgroup);
        CgroupPlace? naming = places.FirstOrDefault(place => place.Hierarchy.HasController("freezer"))
            ?? places.FirstOrDefault(place => place.Hierarchy.IsUnified)
            ?? (places.Count > 0 ? places[0] : null);
        return new Cgroup(naming?.Path ?? "/", places);
    }

    internal static Cgroup? Open(CgroupLayout layout, string name)
    {
        IReadOnlyList<CgroupPlace> places = Places(layout, CheckedName(name, allowRoot: true));
        places = [.. places.Where(place => CgroupFile.Exists(place.ProcsFile))];
        return places.Count > 0 ? new Cgroup("/" + name.Trim('/'), places) : null;
    }

    /// <summary>The places of a name in the managed hierarchies, below what is mounted.</summary>
    private static IReadOnlyList<CgroupPlace> Places(CgroupLayout layout, string name)
    {
        List<CgroupPlace> places = [];
        foreach (CgroupHierarchy hierarchy in layout.Hierarchies.Where(hierarchy => hierarchy.IsManaged))
        {
            string directory = name.Length == 0 ? hierarchy.MountPoint : $"{hierarchy.MountPoint}/{name}";
            places.Add(new CgroupPlace(hierarchy, "/" + name, directory));
        }

        return places;
    }

    private static string CheckedName(string name, bool allowRoot)
    {
        ArgumentNullException.ThrowIfNull(name);
        string trimmed = name.Trim('/');
        if (trimmed.Length == 0 && allowRoot)
        {
            return trimmed;
        }

        foreach (string part in trimmed.Split('/'))
        {
            if (part.Length is 0 or > MaxPartLength || part is "." or ".." || part.Any(char.IsControl))
            {
                throw new UsageException(
                    "bad-cgroup-name", $"'{name}' is not the name of a cgroup.", "Name it like checkpointer/job-1, without . and ..");
            }
        }

        return trimmed;
    }
}
