namespace Checkpointer.Engine.Gpu;

/// <summary>How much device memory a process holds, in bytes: as NVML says, or, where it does not, how much that can be at most.</summary>
internal static class GpuHoldings
{
    /// <summary>What NVML says of a process on all GPUs and their parts; null where it says nothing of it, or only that it is there.</summary>
    public static long? Told(GpuNode node, int pid)
    {
        var uses = node.Inventory.Gpus
            .SelectMany(static g => (g.Processes ?? []).Concat((g.MigDevices ?? []).SelectMany(static m => m.Processes ?? [])))
            .Where(u => u.Pid == pid).ToList();
        return uses.Count == 0 || uses.Exists(static u => u.MemoryUsed is null) ? null : uses.Sum(static u => u.MemoryUsed!.Value);
    }

    /// <summary>What is in use on these GPUs by whomever, or all of their memory where NVML does not say.</summary>
    /// <param name="node">This node.</param>
    /// <param name="devices">The GPUs that the process may use.</param>
    /// <param name="files">Of how many GPUs it has the device file open: on no more of them can it hold anything. Zero where that is not known.</param>
    public static long AtMost(GpuNode node, IEnumerable<GpuDevice> devices, int files) => devices
        .Select(d => node.InfoOf(d.Uuid)?.MemoryUsed ?? d.Memory)
        .OrderDescending()
        .Take(files == 0 ? int.MaxValue : files)
        .Sum();
}
