namespace Checkpointer.Platform;

public sealed partial class Cgroup
{
    /// <summary>
    /// Version 1 writes "no limit" as the largest number of pages; nobody has an exbibyte, so anything above is none.
    /// </summary>
    private const long NoLimit = 1L << 60;

    /// <summary>The smallest memory limit of the cgroup and its ancestors in bytes, as far as they are visible; null: none.</summary>
    public long? MemoryLimit => Least(MemoryDirectories().Select(LimitOf));

    /// <summary>
    /// What the limits of the cgroup and its ancestors leave, in bytes, never negative; null: no limit. File cache that
    /// the kernel would give up first is not counted as used.
    /// </summary>
    public long? MemoryLeft => Least(MemoryDirectories().Select(LeftOf));

    private static long? Least(IEnumerable<long?> values) => values.Min();

    private static long? LimitOf((string Directory, bool IsUnified) place)
    {
        string file = place.IsUnified ? "memory.max" : "memory.limit_in_bytes";
        return CgroupFile.ReadNumber($"{place.Directory}/{file}") is { } limit and < NoLimit ? limit : null;
    }

    private static long? LeftOf((string Directory, bool IsUnified) place)
    {
        if (LimitOf(place) is not { } limit)
        {
            return null;
        }

        (string usage, string cache) = place.IsUnified
            ? ("memory.current", "inactive_file")
            : ("memory.usage_in_bytes", "total_inactive_file");
        long used = CgroupFile.ReadNumber($"{place.Directory}/{usage}") ?? 0;
        long reclaimable = CgroupFile.ReadKey($"{place.Directory}/memory.stat", cache) ?? 0;
        return Math.Max(0, limit - Math.Max(0, used - reclaimable));
    }

    private IEnumerable<(string Directory, bool IsUnified)> MemoryDirectories() => _places
        .Where(place => place.Hierarchy.IsUnified || place.Hierarchy.HasController("memory"))
        .SelectMany(place => place.Upwards().Select(directory => (directory, place.Hierarchy.IsUnified)));
}
