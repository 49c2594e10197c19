using System.Globalization;

namespace Checkpointer.Platform;

/// <summary>What this process is allowed to do.</summary>
public static class Privileges
{
    private const string Line = "CapEff:";

    /// <summary>The effective capabilities of this process.</summary>
    public static CapabilitySet EffectiveCapabilities => Parse(ProcText.TryRead("/proc/self/status") ?? "");

    /// <summary>Effective user id.</summary>
    public static uint EffectiveUid => Libc.GetEffectiveUid();

    internal static CapabilitySet Parse(string status)
    {
        string? line = ProcText.Split(status).FirstOrDefault(line => line.StartsWith(Line, StringComparison.Ordinal));
        return line is not null
            && ulong.TryParse(line.AsSpan(Line.Length).Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong mask)
            ? new CapabilitySet(mask)
            : throw new HostException("no-proc", "/proc/self/status does not tell the capabilities.", "Mount /proc.");
    }
}
