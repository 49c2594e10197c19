using System.Globalization;

namespace Checkpointer.Platform;

/// <summary>One process of a tree, as /proc showed it at one moment.</summary>
public sealed record ProcessInfo
{
    public required ProcStat Stat { get; init; }

    public required ProcStatus Status { get; init; }

    /// <summary>Thread ids in the reader's pid namespace, ascending.</summary>
    public required IReadOnlyList<int> Threads { get; init; }

    /// <summary>Thread ids in the process's own pid namespace, ascending.</summary>
    public required IReadOnlyList<int> OwnThreads { get; init; }

    /// <summary>Path of the executable, or null for zombies and kernel threads.</summary>
    public required string? Executable { get; init; }

    public int Pid => Stat.Pid;

    /// <summary>The pid that the process sees itself.</summary>
    public int OwnPid => Status.NamespacePids.Count > 0 ? Status.NamespacePids[^1] : Stat.Pid;

    /// <summary>Clock ticks after boot; with the pid it identifies the process.</summary>
    public ulong StartTime => Stat.StartTime;

    /// <summary>For messages: <c>123 (python3)</c>.</summary>
    public string Label => $"{Pid} ({Stat.Name})";

    /// <summary>Reads one process, or null when there is none with this pid.</summary>
    public static ProcessInfo? Read(int pid)
    {
        ProcStat? stat = ProcStat.Read(pid);
        ProcStatus? status = ProcStatus.Read(pid);
        if (stat is null || status is null)
        {
            return null;
        }

        List<int> threads = [];
        List<int> own = [];
        foreach (string name in ProcText.Names($"/proc/{pid}/task"))
        {
            if (int.TryParse(name, CultureInfo.InvariantCulture, out int tid))
            {
                threads.Add(tid);
                string? text = ProcText.TryRead($"/proc/{pid}/task/{tid}/status");
                IReadOnlyList<int> pids = text is null ? [] : ProcStatus.Parse(text).NamespacePids;
                own.Add(pids.Count > 0 ? pids[^1] : tid);
            }
        }

        threads.Sort();
        own.Sort();
        return new ProcessInfo
        {
            Stat = stat,
            Status = status,
            Threads = threads,
            OwnThreads = own,
            Executable = ProcLink.Read($"/proc/{pid}/exe"),
        };
    }
}

/// <summary>A process and all its descendants.</summary>
public sealed class ProcessTree
{
    private readonly HashSet<int> _pids;

    private ProcessTree(ProcessInfo root, List<ProcessInfo> processes)
    {
        Root = root;
        Processes = processes;
        _pids = [.. processes.Select(p => p.Pid)];
    }

    public ProcessInfo Root { get; }

    /// <summary>The root first, then its descendants, parents before children.</summary>
    public IReadOnlyList<ProcessInfo> Processes { get; }

    public bool Contains(int pid)
    {
        return _pids.Contains(pid);
    }

    /// <summary>Reads the tree below a pid, or null when there is no such process. It may change while it is read.</summary>
    public static ProcessTree? Read(int rootPid)
    {
        ProcessInfo? root = ProcessInfo.Read(rootPid);
        if (root is null)
        {
            return null;
        }

        ILookup<int, int> children = AllPids()
            .Select(ProcStat.Read)
            .Where(s => s is not null)
            .ToLookup(s => s!.ParentPid, s => s!.Pid);
        List<ProcessInfo> processes = [root];
        HashSet<int> seen = [root.Pid];
        for (int i = 0; i < processes.Count; i++)
        {
            foreach (int pid in children[processes[i].Pid].Order())
            {
                if (seen.Add(pid) && ProcessInfo.Read(pid) is { } child)
                {
                    processes.Add(child);
                }
            }
        }

        return new ProcessTree(root, processes);
    }

    /// <summary>Every pid that /proc shows now.</summary>
    public static IEnumerable<int> AllPids()
    {
        foreach (string name in ProcText.Names("/proc"))
        {
            if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int pid))
            {
                yield return pid;
            }
        }
    }
}
