using Checkpointer.Engine.Preflight;

namespace Checkpointer.Engine.Gpu;

/// <summary>
/// Which of a node's GPUs the place of a restore lets each tree use. A runtime, or a device plugin through it, gives a container the device
/// files of some; the driver gives a process no other.
/// </summary>
/// <param name="trees">The snapshot's trees that used GPUs, each with the numbers of the GPUs that its place has; null where that is no container.</param>
internal sealed class GpuReach(IReadOnlyList<(GpuRecord Record, IReadOnlySet<int>? Minors)> trees)
{
    /// <summary>More device files than any node has.</summary>
    private const int MostFiles = 1024;

    /// <summary>Every tree reaches every GPU.</summary>
    public static GpuReach All { get; } = new([]);

    /// <summary>Whether all trees that saw the old GPU reach the new one. What NVML tells no number of is taken to be reached.</summary>
    public bool Allows(string old, GpuDevice candidate, GpuNode node) =>
        node.InfoOf(candidate.Uuid)?.Minor is not { } minor
        || trees.All(t => t.Minors is not { } minors || minors.Contains(minor) || !t.Record.Devices.Exists(d => d.Uuid == old));

    /// <summary>Numbers N of the files <c>nvidiaN</c> in a container's /dev.</summary>
    /// <param name="root">The container's root directory as a path of ours.</param>
    public static IReadOnlySet<int> MinorsIn(string root)
    {
        var devices = new DirectoryInfo(Path.Combine(root, "dev"));
        return devices.LinkTarget is not null || !devices.Exists ? new HashSet<int>() :
        [
            .. Files(devices).Concat(devices.EnumerateDirectories("nvidia*").Where(static d => d.LinkTarget is null).Take(MostFiles).SelectMany(Files))
                .Select(GpuProbe.MinorOf)
                .OfType<int>(),
        ];
    }

    private static IEnumerable<string> Files(DirectoryInfo folder) => folder.EnumerateFiles("nvidia*").Take(MostFiles).Select(static f => f.FullName);
}
