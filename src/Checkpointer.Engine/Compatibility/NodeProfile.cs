namespace Checkpointer.Engine.Compatibility;

/// <summary>What this node can offer to a restore.</summary>
public sealed partial record NodeProfile
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

    /// <summary>Reads this node.</summary>
    /// <param name="criu">The CRIU that would restore, or null when none was found.</param>
    public static NodeProfile Read(Criu.CriuInstallation? criu)
    {
        throw new NotSupportedException();
    }
}
