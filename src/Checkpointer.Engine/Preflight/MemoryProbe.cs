using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>Memory: how much there is, and what CRIU cannot dump or a careful kernel will not grant again.</summary>
internal sealed record MemoryProbe
{
    private const string SysvPrefix = "/SYSV";

    /// <summary>Bytes that CRIU will write: private pages that are not a file's, and shared memory once.</summary>
    public required long ImageBytes { get; init; }

    /// <summary>The largest private mapping, reserved or not.</summary>
    public required long LargestPrivate { get; init; }

    /// <summary>All private mappings of the tree together.</summary>
    public required long PrivateBytes { get; init; }

    public static MemoryProbe Run(InspectionDraft draft)
    {
        HugePages(draft);
        SystemV(draft);
        MemoryProbe memory = new()
        {
            ImageBytes = Sum(draft),
            LargestPrivate = Private(draft).DefaultIfEmpty(0).Max(),
            PrivateBytes = Private(draft).Sum(),
        };
        Overcommit(draft, memory);
        draft.Note("memory", draft.Tree.Root.Label, $"{ByteSize.Format(memory.ImageBytes)} of memory in {draft.Tree.Processes.Count} processes",
            "as much free memory where it is restored", "nothing");
        return memory;
    }

    private static IEnumerable<long> Private(InspectionDraft draft)
    {
        return draft.Processes.SelectMany(p => p.Mappings).Where(m => !m.IsShared && !IsKernel(m)).Select(m => m.Length);
    }

    private static bool IsKernel(ProcMapping mapping)
    {
        return mapping.Path is "[vsyscall]" or "[vdso]" or "[vvar]" or "[vvar_vclock]";
    }

    private static long Sum(InspectionDraft draft)
    {
        long total = 0;
        Dictionary<(string Device, ulong Inode), long> shared = [];
        foreach (ProcMapping mapping in draft.Processes.SelectMany(p => p.Mappings))
        {
            if (!mapping.IsShared)
            {
                total += mapping.Anonymous + mapping.Swap;
            }
            else if (IsSharedAnonymous(mapping))
            {
                // Segments of one object can be mapped piece by piece; the largest piece of each process is close enough.
                (string, ulong) key = (mapping.Device, mapping.Inode);
                shared[key] = Math.Max(shared.GetValueOrDefault(key), mapping.Resident + mapping.Swap);
            }
        }

        return total + shared.Values.Sum();
    }

    private static bool IsSharedAnonymous(ProcMapping mapping)
    {
        return mapping.IsDeleted && (mapping.Path is "/dev/zero" || mapping.Path.StartsWith("/memfd:", StringComparison.Ordinal)
            || mapping.Path.StartsWith(SysvPrefix, StringComparison.Ordinal));
    }

    // The stream reads a private huge page mapping out of step with its data: the memory would come back wrong.
    private static void HugePages(InspectionDraft draft)
    {
        List<string> processes = draft.Processes.Where(p => p.Mappings.Any(m => m.IsHugeTlb && !m.IsShared)).Select(p => p.Info.Label).ToList();
        if (processes.Count > 0)
        {
            draft.Blocker("private-hugetlb", InspectionDraft.Enumerate(processes), "private memory from the huge page pool (MAP_HUGETLB)", "none",
                "use transparent huge pages (madvise) or shared huge page memory in the program");
        }
    }

    private static void SystemV(InspectionDraft draft)
    {
        List<string> processes = draft.Processes
            .Where(p => p.Mappings.Any(m => m.IsDeleted && m.Path.StartsWith(SysvPrefix, StringComparison.Ordinal)))
            .Select(p => p.Info.Label)
            .ToList();
        if (processes.Count > 0 && ProcLink.Namespace(draft.Tree.Root.Pid, "ipc") == ProcLink.Namespace(Environment.ProcessId, "ipc"))
        {
            draft.Blocker("sysv-shm-outside-ipc-namespace", InspectionDraft.Enumerate(processes), "System V shared memory in the machine's IPC namespace", "an IPC namespace of its own",
                "start the program under 'unshare --ipc'");
        }
    }

    // Without this, the finding would only come when the tree is gone: a restore here would run out of (virtual) memory.
    private static void Overcommit(InspectionDraft draft, MemoryProbe memory)
    {
        OvercommitPolicy policy = OvercommitPolicy.Read();
        if (policy.Grants(memory.LargestPrivate, memory.PrivateBytes))
        {
            return;
        }

        draft.Overridable("overcommit-needed", draft.Tree.Root.Label,
            $"it reserves {ByteSize.Format(memory.LargestPrivate)} of address space in one piece, and vm.overcommit_memory is {policy.Mode}",
            "vm.overcommit_memory = 1 where it is restored: CRIU maps reserves writable for a moment",
            "run 'sysctl vm.overcommit_memory=1' on the nodes that restore it, or limit the program's heap");
    }
}
