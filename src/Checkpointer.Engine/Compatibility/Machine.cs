using System.Runtime.InteropServices;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Compatibility;

/// <summary>Names for what this machine is, as they stand in requirements and profiles.</summary>
internal static class Machine
{
    /// <summary>As uname says.</summary>
    public static string Architecture => RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "x86_64",
        System.Runtime.InteropServices.Architecture.Arm64 => "aarch64",
        var other => other.ToString().ToLowerInvariant(),
    };

    /// <summary><c>v1</c>, <c>v2</c>, <c>hybrid</c> or <c>none</c>.</summary>
    public static string CgroupMode => Cgroup.Mode switch
    {
        Platform.CgroupMode.Legacy => "v1",
        Platform.CgroupMode.Unified => "v2",
        Platform.CgroupMode.Hybrid => "hybrid",
        _ => "none",
    };
}
