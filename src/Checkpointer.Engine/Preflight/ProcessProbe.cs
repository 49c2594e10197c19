using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>The processes themselves: zombies, tracers, sessions.</summary>
internal static class ProcessProbe
{
    public static void Run(InspectionDraft draft)
    {
        Zombies(draft);
        Tracers(draft);
        Session(draft);
    }

    // CRIU dumps a zombie without threads; one that still has threads is dying.
    private static void Zombies(InspectionDraft draft)
    {
        List<ProcessInfo> zombies = draft.Tree.Processes.Where(p => p.Stat.IsZombie).ToList();
        List<string> dying = zombies.Where(p => p.Threads.Count > 1).Select(p => p.Label).ToList();
        if (dying.Count > 0)
        {
            draft.Overridable("zombie-with-threads", InspectionDraft.Enumerate(dying), "a process is just ending", "processes that run or have ended", "try again in a moment");
        }

        List<string> ended = zombies.Where(p => p.Threads.Count <= 1).Select(p => p.Label).ToList();
        if (ended.Count > 0)
        {
            draft.Note("zombie", InspectionDraft.Enumerate(ended), "ended, and not waited for by its parent", "nothing",
                "nothing: it comes back as a zombie, as it was");
        }
    }

    private static void Tracers(InspectionDraft draft)
    {
        List<string> traced = draft.Processes
            .Where(p => p.Info.Status.TracerPid != 0)
            .Select(p => $"{p.Info.Label} by {p.Info.Status.TracerPid} ({ProcStat.Read(p.Info.Status.TracerPid)?.Name ?? "?"})")
            .ToList();
        if (traced.Count > 0)
        {
            draft.Blocker("process-traced", InspectionDraft.Enumerate(traced), "a debugger or strace is attached", "no tracer", "detach it");
        }
    }

    // CRIU wants every session to begin inside the tree. --shell-job lets it start outside; the restored tree then joins the
    // session of its new parent.
    private static void Session(InspectionDraft draft)
    {
        HashSet<int> pids = [.. draft.Tree.Processes.Select(p => p.Pid)];
        List<string> outside = draft.Tree.Processes.Where(p => !pids.Contains(p.Stat.Session)).Select(p => p.Label).ToList();
        if (outside.Count == 0)
        {
            return;
        }

        draft.ShellJob = true;
        draft.Note("session-outside", InspectionDraft.Enumerate(outside), "its session began outside of the tree (it was started from a shell)", "nothing",
            "nothing: the restored tree gets the session of its new owner; start the program under setsid to keep its own");
    }
}
