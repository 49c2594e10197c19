using System.Globalization;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Compatibility;

/// <summary>Compares what a snapshot needs with what a node offers.</summary>
public static class CompatibilityCheck
{
    /// <summary>Checks; reads files, addresses and pids of this machine, and changes nothing.</summary>
    /// <param name="requirement">From the snapshot's manifest: its paths are looked at, never opened for writing.</param>
    /// <param name="profile">Of this node.</param>
    /// <param name="target">Where the restore would go.</param>
    public static CompatibilityReport Check(Requirement requirement, NodeProfile profile, RestoreTarget target)
    {
        FindingList findings = new();
        bool sameArchitecture = Architecture(requirement, profile, findings);
        bool moreState = sameArchitecture && Cpu(requirement, profile, findings);
        Kernel(requirement, profile, findings);
        CriuVersion(requirement, profile, findings);
        Memory(requirement, profile, findings);
        bool pidNamespace = Pids(requirement, profile, target, findings);
        Keys(requirement, findings);
        bool closeTcp = false;
        if (!target.IsUnknown)
        {
            FileCheck.Run(requirement, target, findings);
            closeTcp = NetworkCheck.Run(requirement, target, findings);
        }

        return new CompatibilityReport(findings.ToVerdict(), pidNamespace)
        {
            CloseTcp = closeTcp,
            CpuCapability = moreState ? "ins" : TreeOptions.DefaultCpuCapability,
            LastPid = LastPid(requirement, profile),
        };
    }

    // The keys come from a manifest and become a part of CRIU's command line.
    private static void Keys(Requirement requirement, FindingList findings)
    {
        foreach (StdioEnd end in requirement.OutsideEnds.Where(e => !e.HasPlausibleKey))
        {
            findings.Blocker("manifest-refused", end.Kind.ToString(), $"the key '{end.Key}'", "the name of a pipe, terminal, socket or fifo", "make a new checkpoint");
        }
    }

    private static bool Architecture(Requirement requirement, NodeProfile profile, FindingList findings)
    {
        if (requirement.Architecture == profile.Architecture)
        {
            return true;
        }

        findings.Blocker("architecture", "architecture", profile.Architecture, requirement.Architecture, "restore on a node with that architecture");
        return false;
    }

    private static bool Cpu(Requirement requirement, NodeProfile profile, FindingList findings)
    {
        if (requirement.CpuFlags.Count == 0)
        {
            // Imported images: CRIU compares with what it wrote into them itself.
            return false;
        }

        IReadOnlyList<string> missing = CpuComparison.Missing(requirement.Architecture, requirement.CpuFlags, profile.CpuFlags);
        if (missing.Count > 0)
        {
            findings.Blocker("cpu-flags-missing", "CPU", $"{profile.CpuModel} without {string.Join(' ', missing)}", $"these instructions, which {requirement.CpuModel} has",
                "restore on a node with the same CPU family or a newer one");
        }

        IReadOnlyList<string> more = CpuComparison.AdditionalState(requirement.Architecture, requirement.CpuFlags, profile.CpuFlags);
        if (more.Count > 0)
        {
            findings.Overridable("cpu-state-differs", "CPU", $"{profile.CpuModel} with {string.Join(' ', more)}", "the same floating point state: a C library keeps its size from the start",
                "restore on a node with the same CPU family, or force it");
        }

        return more.Count > 0;
    }

    private static void Kernel(Requirement requirement, NodeProfile profile, FindingList findings)
    {
        if (Versions.Parse(profile.KernelRelease) is { } here && Versions.Parse(requirement.KernelRelease) is { } there && here < there)
        {
            findings.Overridable("kernel-older", "kernel", profile.KernelRelease, $"{requirement.KernelRelease} or newer", "restore on a node with a newer kernel, or force it");
        }
    }

    private static void CriuVersion(Requirement requirement, NodeProfile profile, FindingList findings)
    {
        if (profile.CriuVersion is null)
        {
            findings.Blocker("no-criu", "CRIU", "none", $"{requirement.CriuVersion ?? CriuLocator.MinimumVersion.ToString()} or newer", "install CRIU");
        }
        else if (requirement.CriuVersion is { } dumped && Versions.Parse(profile.CriuVersion) is { } here && Versions.Parse(dumped) is { } there && here < there)
        {
            findings.Blocker("criu-older", "CRIU", profile.CriuVersion, $"{dumped} or newer: an older one misreads the image", "install a newer CRIU");
        }
    }

    private static void Memory(Requirement requirement, NodeProfile profile, FindingList findings)
    {
        if (requirement.MemoryBytes > profile.MemoryAvailable)
        {
            findings.Overridable("memory-short", "memory", $"{ByteSize.Format(profile.MemoryAvailable)} available", ByteSize.Format(requirement.MemoryBytes),
                "free memory, or restore on a larger node");
        }

        OvercommitPolicy policy = new(profile.OvercommitMemory, profile.MemoryAndSwap, profile.CommitLeft);
        if (!policy.Grants(requirement.LargestMapping, requirement.PrivateBytes))
        {
            findings.Overridable("overcommit-needed", "vm.overcommit_memory", profile.OvercommitMemory.ToString(CultureInfo.InvariantCulture),
                $"1: the tree reserves {ByteSize.Format(requirement.LargestMapping)} of address space in one piece", "run 'sysctl vm.overcommit_memory=1'");
        }

        if (requirement.CgroupMode.Length > 0 && requirement.CgroupMode != profile.CgroupMode)
        {
            findings.Note("cgroup-mode-differs", "cgroups", profile.CgroupMode, requirement.CgroupMode, "nothing, unless the program reads its own cgroup");
        }
    }

    private static bool Pids(Requirement requirement, NodeProfile profile, RestoreTarget target, FindingList findings)
    {
        int highest = requirement.ThreadIds.DefaultIfEmpty(0).Max();
        if (highest >= profile.PidMaximum)
        {
            findings.Blocker("pid-maximum-low", "kernel.pid_max", profile.PidMaximum.ToString(CultureInfo.InvariantCulture), $"more than {highest}, the highest pid of the tree",
                $"run 'sysctl kernel.pid_max={highest + 1}' or set it higher");
        }

        if (requirement.OwnPidNamespace || target.IsUnknown)
        {
            return true;
        }

        // A thread's id is taken as well, and /proc/TID exists for it though no listing shows it.
        List<int> taken = requirement.ThreadIds.Where(t => Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{t}"))).ToList();
        if (taken.Count > 0)
        {
            findings.Note("pids-taken", $"pids {FindingList.Enumerate([.. taken.Select(t => t.ToString(CultureInfo.InvariantCulture))])}", "in use here", "free pids",
                "nothing: the tree is restored into a pid namespace of its own");
        }

        return taken.Count > 0;
    }

    // High, so that CRIU and its helpers, which run in the namespace first, take no pid of the tree.
    private static int LastPid(Requirement requirement, NodeProfile profile)
    {
        const int Room = 4096; // pids for CRIU and its helpers before the numbers begin again
        return Math.Max(requirement.ThreadIds.DefaultIfEmpty(0).Max() + 1, profile.PidMaximum - Room);
    }
}
