namespace Checkpointer.Engine.Gpu;

/// <summary>What a snapshot needs of a node's GPUs. Persisted in the manifest; members are only ever added.</summary>
public sealed record GpuRecord
{
    /// <summary>The driver's version, as <c>580.65.06</c>; null where NVML did not say.</summary>
    public string? Driver { get; set; }

    /// <summary>The driver's CUDA version as the driver counts: 13000 is 13.0.</summary>
    public required int Cuda { get; init; }

    /// <summary>Every GPU that some process of the tree saw, in the node's order.</summary>
    public required List<GpuDevice> Devices { get; init; }

    public required List<GpuRecordProcess> Processes { get; init; }
}

/// <summary>The records of several trees as one, for the question whether a node has what they need together.</summary>
internal static class GpuRecords
{
    /// <summary>Containers that shared a GPU need one for both. Null where none uses any.</summary>
    public static GpuRecord? Join(IReadOnlyList<GpuRecord> records) => records.Count < 2 ? records.FirstOrDefault() : new GpuRecord
    {
        Driver = records.Select(static r => r.Driver).FirstOrDefault(static d => d is not null),
        Cuda = records.Max(static r => r.Cuda),
        Devices = [.. records.SelectMany(static r => r.Devices)
            .GroupBy(static d => d.Uuid, StringComparer.Ordinal)
            .Select(static g => g.First() with { Used = g.Sum(static d => d.Used) })],
        Processes = [.. records.SelectMany(static r => r.Processes)],
    };
}

/// <summary>A GPU, as the driver and NVML describe it.</summary>
public sealed record GpuDevice
{
    /// <summary><c>GPU-8-4-4-4-12</c>.</summary>
    public required string Uuid { get; init; }

    public required string Name { get; init; }

    /// <summary>Bytes in all.</summary>
    public required long Memory { get; init; }

    /// <summary>Compute capability, as <c>9.0</c>.</summary>
    public required string Capability { get; init; }

    /// <summary>Bytes that the tree's processes held.</summary>
    public long Used { get; set; }

    /// <summary>The device is an instance of a partitioned GPU.</summary>
    public bool Mig { get; set; }
}

/// <summary>A CUDA process of the tree.</summary>
public sealed record GpuRecordProcess
{
    /// <summary>Its pid as the tree itself sees it.</summary>
    public required int OwnPid { get; init; }

    /// <summary>Device memory that was brought into it: how much its resident memory grew. Bytes.</summary>
    public required long Growth { get; init; }

    /// <summary>Ids of the GPUs that it saw.</summary>
    public List<string> Devices { get; set; } = [];
}
