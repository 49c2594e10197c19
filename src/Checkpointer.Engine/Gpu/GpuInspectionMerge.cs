using Checkpointer.Engine.Preflight;

namespace Checkpointer.Engine.Gpu;

/// <summary>An inspection of a tree together with what was found of its GPUs.</summary>
internal static class GpuInspectionMerge
{
    /// <summary>Device memory comes into the image and into the memory that a restore needs.</summary>
    /// <param name="inspection">The tree.</param>
    /// <param name="gpus">Of this tree alone.</param>
    public static Inspection With(this Inspection inspection, GpuInspection gpus) => inspection with
    {
        EstimatedBytes = inspection.EstimatedBytes + gpus.DeviceBytes,
        Requirement = inspection.Requirement with { MemoryBytes = inspection.Requirement.MemoryBytes + gpus.DeviceBytes },
    };

    /// <summary>All that speaks against a checkpoint: what CRIU lacks, then what was found in the trees and of their GPUs, heaviest first.</summary>
    public static IReadOnlyList<Finding> Findings(IEnumerable<Finding> lacking, IEnumerable<Finding> found, GpuInspection gpus) =>
        [.. lacking.Distinct(), .. found.Concat(gpus.Findings).OrderByDescending(static f => f.Severity)];
}
