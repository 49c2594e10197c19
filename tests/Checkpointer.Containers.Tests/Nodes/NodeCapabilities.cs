using System.Globalization;

namespace Checkpointer.Containers.Tests;

/// <summary>What this machine keeps from its nodes, although real ones have it.</summary>
internal static class NodeCapabilities
{
    private const int SysResource = 24;

    /// <summary>
    /// Limits of other users' processes can be read. Where they cannot, <c>scripts/test.sh</c> makes a CRIU that takes them from /proc, and
    /// the finding that says so must be forced.
    /// </summary>
    internal static bool CanReadLimits { get; } =
        (ulong.Parse(
            File.ReadLines("/proc/self/status").First(line => line.StartsWith("CapEff:", StringComparison.Ordinal))["CapEff:".Length..].Trim(),
            NumberStyles.HexNumber,
            CultureInfo.InvariantCulture) >> SysResource & 1) == 1;

    /// <summary>The CRIU for node services.</summary>
    internal static string Criu
    {
        get
        {
            var patched = Path.Combine(Requirements.Images, "criu");
            return !CanReadLimits && File.Exists(patched) ? patched : Installation.Criu!;
        }
    }

    /// <summary>Options for a container with processes of other users than root.</summary>
    internal static string[] OtherUsers => CanReadLimits ? [] : ["--force"];
}
