using System.Globalization;
using Checkpointer.Engine.Gpu;

namespace Checkpointer.Cli.Output;

/// <summary>GPUs as people read them.</summary>
internal static class GpuText
{
    /// <summary>One line about all of them.</summary>
    public static string Summary(GpuInventory inventory) => inventory.Error is { } error
        ? $"none known: {error.Message}"
        : string.Create(CultureInfo.InvariantCulture, $"{inventory.Gpus.Count}, driver {inventory.Driver ?? "unknown"}, CUDA {inventory.Cuda / 1000}.{inventory.Cuda % 1000 / 10}");

    /// <summary>A line about each.</summary>
    public static IEnumerable<string> Lines(GpuInventory inventory) => inventory.Gpus.Select(Line);

    private static string Line(GpuInfo gpu)
    {
        if (gpu.Lost is { } code)
        {
            return string.Create(CultureInfo.InvariantCulture, $"  {gpu.Index}  lost (NVML {code})");
        }

        List<string> parts =
        [
            gpu.Uuid ?? "no id",
            gpu.Name ?? "unknown model",
            gpu is { MemoryTotal: { } total, MemoryFree: { } free } ? $"{ByteSize.Format(total)}, {ByteSize.Format(free)} free" : "memory unknown",
            string.Create(CultureInfo.InvariantCulture, $"{gpu.Processes?.Count ?? 0} processes"),
        ];
        if (gpu.Mig == true)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"MIG, {gpu.MigDevices?.Count ?? 0} instances"));
        }

        if (gpu.Persistence == false)
        {
            parts.Add("no persistence mode");
        }

        if (!gpu.IsHealthy)
        {
            parts.Add("needs attention");
        }

        return string.Create(CultureInfo.InvariantCulture, $"  {gpu.Index}  {string.Join("  ", parts)}");
    }
}
