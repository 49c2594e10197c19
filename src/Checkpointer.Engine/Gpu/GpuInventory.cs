using System.Text.Json.Serialization;

namespace Checkpointer.Engine.Gpu;

/// <summary>A node's GPUs as NVML tells of them, or why it does not. Sizes are in bytes unless a name says otherwise.</summary>
public sealed record GpuInventory
{
    /// <summary>The driver's version, as <c>580.65.06</c>.</summary>
    public string? Driver { get; set; }

    /// <summary>The highest CUDA version that the driver knows: 13000 is 13.0.</summary>
    public int Cuda { get; set; }

    public List<GpuInfo> Gpus { get; set; } = [];

    /// <summary>Why there is no inventory; null when there is one.</summary>
    public GpuInventoryError? Error { get; set; }
}

/// <summary>Why NVML could not be asked: <c>nvml-unusable</c>, <c>nvml-late</c>, <c>nvml-died</c>, <c>nvml-unreadable</c>.</summary>
public sealed record GpuInventoryError
{
    public required string Code { get; init; }

    public required string Message { get; init; }
}

/// <summary>One GPU. What this GPU or NVML does not tell is null.</summary>
public sealed record GpuInfo
{
    public required int Index { get; init; }

    /// <summary>NVML's code when the GPU cannot be opened (15: it fell off the bus, 16: it needs a reset); everything else is null then.</summary>
    public int? Lost { get; set; }

    public string? Uuid { get; set; }

    public string? Name { get; set; }

    public string? Bus { get; set; }

    /// <summary>The N of <c>/dev/nvidiaN</c>.</summary>
    public int? Minor { get; set; }

    public int? CapabilityMajor { get; set; }

    public int? CapabilityMinor { get; set; }

    public long? MemoryTotal { get; set; }

    public long? MemoryReserved { get; set; }

    public long? MemoryUsed { get; set; }

    public long? MemoryFree { get; set; }

    public List<GpuMemoryUse>? Processes { get; set; }

    public bool? Persistence { get; set; }

    /// <summary>0 none, 1 passed through to a virtual machine, 2 vGPU.</summary>
    public int? Virtualization { get; set; }

    public bool? Ecc { get; set; }

    /// <summary>Memory errors since boot that could not be corrected.</summary>
    public long? EccUncorrected { get; set; }

    public long? RemappedCorrectable { get; set; }

    public long? RemappedUncorrectable { get; set; }

    public bool? RemapPending { get; set; }

    public bool? RemapFailed { get; set; }

    /// <summary>What the driver asks for: 0 none, 1 GPU reset, 2 reboot, 3 drain peers, 4 drain and reset, 5 recover its IMEX domain.</summary>
    public int? RecoveryAction { get; set; }

    public bool? Mig { get; set; }

    public bool? MigPending { get; set; }

    public List<MigProfile>? MigProfiles { get; set; }

    public List<MigDevice>? MigDevices { get; set; }

    /// <summary>Whether each of its links is up.</summary>
    public List<bool>? Nvlinks { get; set; }

    /// <summary>Nothing speaks against putting work there.</summary>
    [JsonIgnore]
    public bool IsHealthy => Lost is null && RecoveryAction is null or 0 && RemapFailed is not true && RemapPending is not true;
}

/// <summary>A process on a GPU. The pid is the host's.</summary>
public sealed record GpuMemoryUse
{
    public required int Pid { get; init; }

    public long? MemoryUsed { get; set; }
}

/// <summary>A way to partition a GPU.</summary>
public sealed record MigProfile
{
    public required int Profile { get; init; }

    public int Id { get; set; }

    public int Slices { get; set; }

    public int Instances { get; set; }

    public long MemoryMb { get; set; }
}

/// <summary>A part of a partitioned GPU.</summary>
public sealed record MigDevice
{
    public string? Uuid { get; set; }

    public string? Name { get; set; }

    public int? GpuInstance { get; set; }

    public int? ComputeInstance { get; set; }

    public int? GpuSlices { get; set; }

    public int? ComputeSlices { get; set; }

    public int? Multiprocessors { get; set; }

    public long? MemoryMb { get; set; }

    public List<GpuMemoryUse>? Processes { get; set; }
}

/// <summary>The JSON of the worker's inventory. Members that a newer worker adds are passed over.</summary>
[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(GpuInventory))]
internal sealed partial class GpuJson : JsonSerializerContext;
