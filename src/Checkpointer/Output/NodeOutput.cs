using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Gpu;
using Checkpointer.Node;

namespace Checkpointer.Cli.Output;

/// <summary>The shape of <c>node show --json</c>: what this node offers, and its service where one runs.</summary>
internal sealed record NodeOutput
{
    public required string HostName { get; init; }

    public required string Architecture { get; init; }

    public required string KernelRelease { get; init; }

    public required string CpuModel { get; init; }

    public required IReadOnlyList<string> CpuFlags { get; init; }

    public required long MemoryTotal { get; init; }

    public required long MemoryAvailable { get; init; }

    public required string CgroupMode { get; init; }

    public required int OvercommitMemory { get; init; }

    /// <summary>Null where no usable CRIU was found; <see cref="CriuProblem"/> says why.</summary>
    public CriuOutput? Criu { get; init; }

    public string? CriuProblem { get; init; }

    /// <summary>This node's GPUs, or why they are not known.</summary>
    public GpuInventory? Gpus { get; init; }

    /// <summary>Null where no service listens on the socket.</summary>
    public NodeResource? Service { get; init; }

    public static NodeOutput Of(NodeProfile profile, CriuOutput? criu, string? problem, NodeResource? service) => new()
    {
        HostName = profile.HostName,
        Architecture = profile.Architecture,
        KernelRelease = profile.KernelRelease,
        CpuModel = profile.CpuModel,
        CpuFlags = profile.CpuFlags,
        MemoryTotal = profile.MemoryTotal,
        MemoryAvailable = profile.MemoryAvailable,
        CgroupMode = profile.CgroupMode,
        OvercommitMemory = profile.OvercommitMemory,
        Criu = criu,
        CriuProblem = problem,
        Service = service,
    };
}

/// <summary>A CRIU executable and its version.</summary>
internal sealed record CriuOutput(string Path, string Version);
