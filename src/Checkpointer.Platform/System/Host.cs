using System.Globalization;

namespace Checkpointer.Platform;

/// <summary>Facts about this host, as the kernel tells them now.</summary>
public static class Host
{
    private const string BootIdFile = "/proc/sys/kernel/random/boot_id";
    private const int BytesPerKilobyte = 1024;

    private static readonly Lazy<string> BootIdOnce = new(() => Line(BootIdFile)); // cannot change while we run

    /// <summary>Random id of this boot.</summary>
    public static string BootId => BootIdOnce.Value;

    /// <summary>Such as <c>6.8.0-45-generic</c>.</summary>
    public static string KernelRelease => Line("/proc/sys/kernel/osrelease");

    /// <summary>The node's name in our UTS namespace.</summary>
    public static string HostName => Line("/proc/sys/kernel/hostname");

    /// <summary>Physical memory in bytes.</summary>
    public static long MemoryTotal => MemoryLine(Text("/proc/meminfo"), "MemTotal:");

    /// <summary>
    /// Bytes that this process could still get without swapping: the least of what the host has available and what the
    /// limits of our cgroup and its ancestors leave (reclaimable file cache is not counted as used).
    /// </summary>
    public static long MemoryAvailable
    {
        get
        {
            long host = MemoryLine(Text("/proc/meminfo"), "MemAvailable:");
            return Math.Min(host, Cgroup.Of(Environment.ProcessId).MemoryLeft ?? long.MaxValue);
        }
    }

    /// <summary>CPU features by the kernel's names (<c>avx2</c>; on arm64 <c>asimd</c>).</summary>
    public static IReadOnlySet<string> CpuFlags => ParseCpuFlags(Text("/proc/cpuinfo"));

    /// <summary>The processor's name for people.</summary>
    public static string CpuModel => ParseCpuModel(Text("/proc/cpuinfo"));

    /// <summary>Effective user id of this process.</summary>
    public static uint EffectiveUid => Privileges.EffectiveUid;

    /// <summary>True when this process has the capability (<c>CAP_SYS_ADMIN</c> or <c>sys_admin</c>) in effect.</summary>
    public static bool HasCapability(string name) => Privileges.EffectiveCapabilities.Has(name);

    internal static long MemoryLine(string meminfo, string name)
    {
        string? line = ProcText.Split(meminfo).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        string[] words = line?[name.Length..].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) ?? [];
        return words.Length >= 1 && long.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out long kilobytes)
            ? kilobytes * BytesPerKilobyte
            : throw new HostException("no-proc", $"/proc/meminfo has no {name.TrimEnd(':')}.", "Mount /proc.");
    }

    internal static IReadOnlySet<string> ParseCpuFlags(string cpuinfo)
    {
        string flags = Field(cpuinfo, "flags") ?? Field(cpuinfo, "Features") ?? "";
        return flags.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
    }

    internal static string ParseCpuModel(string cpuinfo)
    {
        if (Field(cpuinfo, "model name") is { } name)
        {
            return name;
        }

        // arm64 has no name for people, only the implementer's numbers.
        string implementer = Field(cpuinfo, "CPU implementer") ?? "unknown";
        string part = Field(cpuinfo, "CPU part") ?? "unknown";
        return $"implementer {implementer} part {part}";
    }

    /// <summary>The first processor's value: mixed cores carry the same features as far as programs may use them.</summary>
    private static string? Field(string cpuinfo, string name)
    {
        foreach (string line in ProcText.Split(cpuinfo))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0 && line.AsSpan(0, colon).Trim().SequenceEqual(name))
            {
                return line[(colon + 1)..].Trim();
            }
        }

        return null;
    }

    private static string Line(string path) => Text(path).Trim();

    private static string Text(string path) =>
        ProcText.TryRead(path) ?? throw new HostException("no-proc", $"{path} cannot be read.", "Mount /proc.");
}
