namespace Checkpointer.Integration.Tests;

/// <summary>The cgroups that restores make for their trees: named after the operation.</summary>
internal static class RestoreCgroups
{
    /// <summary>Those of this lab's operations, as its logs name them, whether the restore succeeded or not.</summary>
    internal static IEnumerable<string> Of(Lab lab)
    {
        var logs = Path.Combine(lab.StateDirectory, "logs");
        var operations = Directory.Exists(logs) ? Directory.EnumerateDirectories(logs).Select(path => Path.GetFileName(path)!).ToHashSet() : [];
        return Directory.EnumerateDirectories("/sys/fs/cgroup").Prepend("/sys/fs/cgroup")
            .Select(hierarchy => Path.Combine(hierarchy, "checkpointer")).Where(Directory.Exists)
            .SelectMany(Directory.EnumerateDirectories).Where(path => operations.Contains(Path.GetFileName(path)));
    }

    /// <summary>Those of restores that failed. The ones of trees that ran and ended are removed by the next operation.</summary>
    internal static IEnumerable<string> OfFailures(Lab lab) =>
        Of(lab).Where(path => !File.Exists(Path.Combine(lab.StateDirectory, "trees", Path.GetFileName(path), "tree.json")));
}
