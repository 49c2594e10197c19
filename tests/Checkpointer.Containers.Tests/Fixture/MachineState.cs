namespace Checkpointer.Containers.Tests;

/// <summary>What nodes could leave on this machine.</summary>
/// <param name="Interfaces">Network interfaces, in order.</param>
/// <param name="Mounts">How many there are.</param>
internal sealed record MachineState(string Interfaces, int Mounts)
{
    internal static MachineState Now() => new(
        string.Join(' ', Directory.EnumerateDirectories("/sys/class/net").Select(Path.GetFileName).Order(StringComparer.Ordinal)),
        File.ReadLines("/proc/self/mountinfo").Count());

    /// <summary>No process, cgroup, mount or file of a world.</summary>
    internal static void MustHaveNothingOf(string name)
    {
        Assert.False(Directory.Exists(Path.Combine(NodeWorld.Place, name)), "its folder is there");
        Assert.DoesNotContain(File.ReadLines("/proc/self/mountinfo"), line => line.Contains(name, StringComparison.Ordinal));
        Assert.Empty(Directory.EnumerateDirectories("/sys/fs/cgroup", name, new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 }));
        Assert.DoesNotContain(Processes.All(), pid => Processes.IsAlive(pid) && Processes.CommandLine(pid).Contains($"/{name}", StringComparison.Ordinal));
    }
}
