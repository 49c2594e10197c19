using Checkpointer.Engine.Preflight;

namespace Checkpointer.Engine.Gpu;

/// <summary>An inspection of a tree together with what was found of its GPUs.</summary>
internal static class GpuInspectionMerge
{
    /// <summary>Device memory comes into the image and into the memory that a restore needs.</summary>
    public static Inspection With(this Inspection inspection, GpuInspection gpus) => inspection with
    {
        Verdict = new Verdict([.. inspection.Verdict.Findings.Concat(gpus.Findings).OrderByDescending(static f => f.Severity)]),
        EstimatedBytes = inspection.EstimatedBytes + gpus.DeviceBytes,
        Requirement = inspection.Requirement with { MemoryBytes = inspection.Requirement.MemoryBytes + gpus.DeviceBytes },
    };
}
