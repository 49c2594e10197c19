using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>What a container uses of its node now.</summary>
/// <param name="Processes">Its first process and all below it.</param>
/// <param name="MemoryBytes">Anonymous, shared and swapped memory, counted once a process, as a checkpoint has to move it.</param>
/// <param name="Gpu">A process holds a GPU's device file or has loaded the CUDA driver's library.</param>
public sealed record ContainerUsage(int Processes, long MemoryBytes, bool Gpu);

/// <summary>Reads what containers use, all from one look at the list of processes.</summary>
public sealed class ContainerUsageReader
{
    private readonly ILookup<int, int> _children = ProcessTree.AllPids()
        .Select(ProcStat.Read)
        .Where(static s => s is not null)
        .ToLookup(static s => s!.ParentPid, static s => s!.Pid);

    /// <summary>Of the container with this first process; null when that has ended.</summary>
    public ContainerUsage? Read(int pid)
    {
        if (ProcStatus.Read(pid) is null)
        {
            return null;
        }

        List<int> pids = [pid];
        HashSet<int> seen = [pid];
        for (var i = 0; i < pids.Count; i++)
        {
            pids.AddRange(_children[pids[i]].Where(seen.Add));
        }

        var memory = pids.Select(ProcStatus.Read).Sum(static s => s is null ? 0 : s.ResidentAnonymous + s.ResidentShared + s.Swap);
        return new ContainerUsage(pids.Count, memory, pids.Any(UsesGpu));
    }

    private static bool UsesGpu(int pid)
    {
        return ProcText.Names($"/proc/{pid}/fd").Any(fd => ProcLink.Read($"/proc/{pid}/fd/{fd}") is { } target && GpuProbe.IsGpuDevice(target))
            || ProcMaps.Read(pid).Any(static m => GpuProbe.IsDriverLibrary(m.Path));
    }
}
