using System.Globalization;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Compatibility;

/// <summary>What this node can offer to a restore. Sizes are in bytes.</summary>
public sealed record NodeProfile
{
    public required string HostName { get; init; }

    public required string Architecture { get; init; }

    public required IReadOnlyList<string> CpuFlags { get; init; }

    public required string CpuModel { get; init; }

    public required string KernelRelease { get; init; }

    /// <summary>Version of the CRIU found, or null when there is none.</summary>
    public string? CriuVersion { get; init; }

    public required long MemoryTotal { get; init; }

    public required long MemoryAvailable { get; init; }

    public required string CgroupMode { get; init; }

    /// <summary>Value of <c>vm.overcommit_memory</c>: 0 heuristic, 1 always, 2 never.</summary>
    public required int OvercommitMemory { get; init; }

    /// <summary>What the kernel grants to one mapping when <see cref="OvercommitMemory"/> is 0.</summary>
    public required long MemoryAndSwap { get; init; }

    /// <summary>What the kernel still grants to all mappings when <see cref="OvercommitMemory"/> is 2.</summary>
    public required long CommitLeft { get; init; }

    /// <summary>Largest pid plus one.</summary>
    public required int PidMaximum { get; init; }

    /// <summary>Reads this node.</summary>
    /// <param name="criu">The CRIU that would restore, or null when none was found.</param>
    public static NodeProfile Read(CriuInstallation? criu)
    {
        OvercommitPolicy policy = OvercommitPolicy.Read();
        return new NodeProfile
        {
            HostName = Host.HostName,
            Architecture = Machine.Architecture,
            CpuFlags = [.. Host.CpuFlags.Order(StringComparer.Ordinal)],
            CpuModel = Host.CpuModel,
            KernelRelease = Host.KernelRelease,
            CriuVersion = criu?.Version.ToString(),
            MemoryTotal = Host.MemoryTotal,
            MemoryAvailable = Host.MemoryAvailable,
            CgroupMode = Machine.CgroupMode,
            OvercommitMemory = policy.Mode,
            MemoryAndSwap = policy.MemoryAndSwap,
            CommitLeft = policy.CommitLeft,
            PidMaximum = int.Parse(ProcText.TryRead("/proc/sys/kernel/pid_max") ?? "32768", CultureInfo.InvariantCulture),
        };
    }
}
