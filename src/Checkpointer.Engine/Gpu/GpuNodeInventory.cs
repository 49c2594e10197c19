namespace Checkpointer.Engine.Gpu;

/// <summary>What this node's GPUs are, for whoever shows a node.</summary>
public static class GpuNodeInventory
{
    /// <summary>Asks NVML through the worker. That there is no NVML, or no worker, is an answer: <see cref="GpuInventory.Error"/>.</summary>
    public static Task<GpuInventory> ReadAsync(EngineOptions options, TimeProvider time, CancellationToken cancellationToken) => GpuInventoryReader.ReadAsync(
        Path.Combine(options.ShimDirectory ?? AppContext.BaseDirectory, "checkpointer-gpu"), options.Gpu.NvmlLibrary, time, cancellationToken);
}
