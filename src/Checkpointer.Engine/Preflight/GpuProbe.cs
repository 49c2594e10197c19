using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>A process that may use a GPU, as /proc shows it.</summary>
/// <param name="Info">The process.</param>
/// <param name="DeviceFiles">NVIDIA device files that it has open.</param>
/// <param name="MapsDriver">It has loaded the CUDA driver's library.</param>
public sealed record GpuCandidate(ProcessInfo Info, IReadOnlyList<string> DeviceFiles, bool MapsDriver);

/// <summary>Finds the processes that may use a GPU. Whether they do only the driver knows; a tree without any costs nothing.</summary>
internal static class GpuProbe
{
    public static IReadOnlyList<GpuCandidate> Run(InspectionDraft draft)
    {
        List<GpuCandidate> candidates = [];
        foreach (InspectedProcess process in draft.Processes)
        {
            List<string> files = [.. process.Files.Select(f => f.Target).Where(IsGpuDevice)];
            bool maps = process.Mappings.Any(m => IsDriverLibrary(m.Path));
            if (maps || files.Count > 0)
            {
                candidates.Add(new GpuCandidate(process.Info, files, maps));
            }
        }

        return candidates;
    }

    /// <summary><c>/dev/nvidia0</c>, <c>/dev/nvidiactl</c>, <c>/dev/nvidia-uvm</c>, <c>/dev/nvidia-caps/nvidia-cap1</c>.</summary>
    public static bool IsGpuDevice(string target)
    {
        return target.StartsWith("/dev/nvidia", StringComparison.Ordinal);
    }

    /// <summary>The CUDA driver's library, of whatever version.</summary>
    public static bool IsDriverLibrary(string path)
    {
        return Path.GetFileName(path).StartsWith("libcuda.so", StringComparison.Ordinal);
    }

    /// <summary>The N of <c>nvidiaN</c>; null for the control files.</summary>
    public static int? MinorOf(string target)
    {
        string name = Path.GetFileName(target);
        return name.StartsWith("nvidia", StringComparison.Ordinal)
            && int.TryParse(name["nvidia".Length..], System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int minor)
            ? minor
            : null;
    }
}
