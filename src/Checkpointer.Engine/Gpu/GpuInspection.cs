namespace Checkpointer.Engine.Gpu;

/// <summary>What was found of GPUs in the trees of an operation, before anything was touched.</summary>
internal sealed record GpuInspection
{
    public static readonly GpuInspection Nothing = new();

    public IReadOnlyList<GpuProcess> Processes { get; init; } = [];

    public IReadOnlyList<Finding> Findings { get; init; } = [];

    /// <summary>Every GPU that some process sees, in the node's order.</summary>
    public IReadOnlyList<GpuDevice> Devices { get; init; } = [];

    public string? Driver { get; init; }

    public int Cuda { get; init; }

    /// <summary>Where the time for looking went.</summary>
    public Dictionary<string, double> Timings { get; init; } = [];

    /// <summary>Device memory that a checkpoint brings into the trees' memory, as NVML says. Bytes.</summary>
    public long DeviceBytes => Processes.Sum(static p => p.DeviceBytes);

    /// <summary>The part of one tree: its processes, the GPUs that they see, and what they hold of them. Findings are of all trees together.</summary>
    public GpuInspection Of(int tree)
    {
        List<GpuProcess> own = [.. Processes.Where(p => p.Tree == tree)];
        return this with
        {
            Processes = own,
            Devices = [.. Devices
                .Where(d => own.Exists(p => p.Devices.Contains(d.Uuid)))
                .Select(d => d with { Used = own.Sum(p => p.DeviceUse.GetValueOrDefault(d.Uuid)) })],
            Findings = [],
        };
    }
}
