namespace Checkpointer.Engine;

/// <summary>How the CUDA driver is reached, and how long it may take. Times that a driver needs are not known beforehand: these are patience, not speed.</summary>
public sealed record GpuOptions
{
    /// <summary>The CUDA driver's library; null finds <c>libcuda.so.1</c> as the dynamic loader does. Where the driver is mounted elsewhere, its path.</summary>
    public string? CudaLibrary { get; init; }

    /// <summary>NVML's library; null finds <c>libnvidia-ml.so.1</c>.</summary>
    public string? NvmlLibrary { get; init; }

    /// <summary>How long submitted work may take to end once a process is locked. It runs on when this passes.</summary>
    public TimeSpan LockLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a call may take that copies nothing; initializing a node of eight GPUs takes some seconds.</summary>
    public TimeSpan CallLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The slowest copy that is still waited for, in bytes a second. Measured by others: about 5 GB/s for an H100.</summary>
    public long SlowestCopy { get; init; } = 256L << 20;

    /// <summary>The deadline of a call that moves a process's device memory.</summary>
    public TimeSpan CopyLimit(long bytes) => CallLimit + TimeSpan.FromSeconds((double)bytes / SlowestCopy);
}
