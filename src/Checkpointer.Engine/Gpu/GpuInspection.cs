namespace Checkpointer.Engine.Gpu;

/// <summary>What was found of GPUs in a tree, before anything was touched.</summary>
internal sealed record GpuInspection
{
    public static readonly GpuInspection Nothing = new();

    public IReadOnlyList<GpuProcess> Processes { get; init; } = [];

    public IReadOnlyList<Finding> Findings { get; init; } = [];

    /// <summary>Every GPU that some process of the tree sees.</summary>
    public IReadOnlyList<GpuDevice> Devices { get; init; } = [];

    public string? Driver { get; init; }

    public int Cuda { get; init; }

    /// <summary>Where the time for looking went.</summary>
    public Dictionary<string, double> Timings { get; init; } = [];

    /// <summary>Device memory that a checkpoint brings into the tree's memory, as NVML says. Bytes.</summary>
    public long DeviceBytes => Processes.Sum(static p => p.DeviceBytes);
}
