using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Criu;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>Looks at a process tree through /proc and says what CRIU will need, and what it cannot do. Touches nothing.</summary>
public static class WorkloadInspector
{
    /// <summary>The process that a person named, if it is one that can be inspected.</summary>
    /// <exception cref="UsageException">As <see cref="Inspect"/>.</exception>
    /// <exception cref="HostException">Code <c>capability-missing</c>: we may not look at other processes.</exception>
    public static ProcessIdentity Identify(int pid)
    {
        HostProbe.RequireCapabilities();
        CheckTarget(pid);
        return ProcessIdentity.Of(pid) ?? throw NotFound(pid);
    }

    /// <summary>Inspects the tree below a pid (in our pid namespace).</summary>
    /// <exception cref="UsageException">
    /// Codes <c>pid-not-found</c>, <c>pid-is-kernel-thread</c>, <c>pid-is-zombie</c>, <c>pid-is-own-ancestor</c>, <c>pid-is-thread</c>: there is nothing to inspect;
    /// those of <see cref="CriuOptionOverrides.Apply"/>.
    /// </exception>
    public static Inspection Inspect(int pid, InspectOptions options)
    {
        CriuOptionOverrides.Apply(new TreeOptions(), options.CriuOptions);
        CheckTarget(pid);
        ProcessTree tree = ProcessTree.Read(pid) ?? throw NotFound(pid);
        List<InspectedProcess> processes = tree.Processes.Where(p => !p.Stat.IsZombie).Select(Read).ToList();
        InspectionDraft draft = new(tree, processes, ProcMountInfo.ReadAll(pid), options);
        HostProbe.Run(draft);
        ProcessProbe.Run(draft);
        NamespaceProbe.Run(draft);
        MemoryProbe memory = MemoryProbe.Run(draft);
        FileProbe files = FileProbe.Run(draft);
        LockProbe.Run(draft);
        StdioProbe.Run(draft);
        SocketProbe.Run(draft);
        NetworkLockProbe.Run(draft);

        // A root that ended meanwhile would leave us with an empty and therefore clean report.
        if (ProcessInfo.Read(pid) is not { } still || still.StartTime != tree.Root.StartTime)
        {
            throw NotFound(pid);
        }

        TreeOptions derived = BuildOptions(draft);
        return new Inspection
        {
            Tree = tree,
            Requirement = RequirementBuilder.Build(draft, memory, files),
            Options = CriuOptionOverrides.Apply(derived, options.CriuOptions),
            Verdict = new Verdict([.. CriuOptionOverrides.Notes(derived, options.CriuOptions), .. draft.Findings.OrderByDescending(f => f.Severity)]),
            EstimatedBytes = memory.ImageBytes + draft.GhostBytes,
            OutsideEnds = draft.OutsideEnds,
            WritableFiles = files.Writable,
            TmpfsFiles = files.Tmpfs,
            GpuCandidates = GpuProbe.Run(draft),
            Container = draft.Container,
        };
    }

    private static InspectedProcess Read(ProcessInfo info)
    {
        return new InspectedProcess(info, ProcFd.ReadAll(info.Pid), ProcMaps.ReadDetailed(info.Pid));
    }

    private static TreeOptions BuildOptions(InspectionDraft draft)
    {
        return new TreeOptions
        {
            TcpEstablished = draft.TcpEstablished,
            SkipInFlight = draft.SkipInFlight,
            FileLocks = draft.FileLocks,
            ShellJob = draft.ShellJob,
            ExtUnixSk = draft.ExtUnixSk,
            LinkRemap = draft.LinkRemap,
            GhostLimit = GhostLimit(draft),
            NetworkLock = draft.TcpEstablished ? "nftables" : "skip",
            External = [.. draft.External.Distinct(StringComparer.Ordinal)],
        };
    }

    // A file may still grow between here and the freeze: the limit is what we allow, not what we saw.
    private static long GhostLimit(InspectionDraft draft)
    {
        return draft.LargestGhost > TreeOptions.DefaultGhostLimit / 2 ? draft.Options.GhostAllowed : TreeOptions.DefaultGhostLimit;
    }

    private static void CheckTarget(int pid)
    {
        ProcStat stat = (pid > 0 ? ProcStat.Read(pid) : null) ?? throw NotFound(pid);
        if (stat.IsKernelThread)
        {
            throw new UsageException("pid-is-kernel-thread", $"process {pid} ({stat.Name}) is a kernel thread", "give the pid of a program");
        }

        if (stat.IsZombie)
        {
            throw new UsageException("pid-is-zombie", $"process {pid} ({stat.Name}) has ended and waits for its parent", "give the pid of a running program");
        }

        // A thread has a directory in /proc too, though no listing shows it.
        if (ProcStatus.Read(pid) is { ThreadGroup: > 0 } status && status.ThreadGroup != pid)
        {
            throw new UsageException(
                "pid-is-thread", $"{pid} ({stat.Name}) is a thread of process {status.ThreadGroup}", $"give the process's pid, {status.ThreadGroup}");
        }

        if (Ancestry.IsSelfOrAncestor(pid, Environment.ProcessId))
        {
            throw Ancestry.Refusal(pid, "this program");
        }
    }

    private static UsageException NotFound(int pid)
    {
        return new UsageException("pid-not-found", $"there is no process {pid}", "look up the pid again, for example with pgrep");
    }

}
