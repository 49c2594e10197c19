using System.Globalization;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Engine.Recovery;

/// <summary>
/// Brings a tree back to life after CRIU ended without doing so itself: CRIU killed at post-dump leaves its firewall table, sockets
/// in TCP_REPAIR (every send fails with EPERM) and sometimes stopped tasks. Whoever is not in the journal is not touched.
/// </summary>
internal sealed class WorkloadRescue
{
    /// <summary>A tracer that dies is detached by the kernel at once; CRIU curing a large tree takes some seconds.</summary>
    private static readonly TimeSpan ReleaseDeadline = TimeSpan.FromSeconds(20);

    /// <summary>The kernel frees some gigabytes a second, and swapped memory far slower.</summary>
    private static readonly TimeSpan DeathDeadline = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    private readonly ILogger _logger;
    private readonly TimeProvider _time;

    public WorkloadRescue(ILogger logger, TimeProvider time)
    {
        _logger = logger;
        _time = time;
    }

    /// <summary>The same for every tree of an operation. A workload of several is in one state only when all of them are.</summary>
    public async Task<RescueReport> MendAllAsync(JournalEntry entry, CancellationToken cancellationToken)
    {
        var parts = entry.Parts;

        // All first: whoever waits for a tree that is still frozen must not keep the others so.
        foreach (var freezer in parts.Select(static p => p.Freezer).OfType<string>())
        {
            Thaw(entry, freezer);
        }

        List<RescueReport> reports = [];
        foreach (var part in parts)
        {
            reports.Add(await MendAsync(part, cancellationToken).ConfigureAwait(false));
        }

        return reports.Find(static r => r.Held) ?? reports.Find(static r => r.State == WorkloadState.Unknown)
            ?? (reports.TrueForAll(r => r.State == reports[0].State)
                ? reports[0]
                : new RescueReport(WorkloadState.Unknown, $"of its {reports.Count} containers {reports.Count(static r => r.State == WorkloadState.Running)} run on and the others have ended"));
    }

    /// <summary>Looks at the tree, mends what CRIU left, and says what state the workload is in.</summary>
    public async Task<RescueReport> MendAsync(JournalEntry entry, CancellationToken cancellationToken)
    {
        await WaitDyingAsync(entry, cancellationToken).ConfigureAwait(false);
        var alive = Alive(entry);
        if (alive.Count == 0)
        {
            RemoveLocks(entry, null);
            return new RescueReport(WorkloadState.Gone, "no process of it is left");
        }

        var root = entry.Processes[0];
        var rootLives = alive.Any(p => p.Pid == root.Pid);
        await WaitUntracedAsync(entry, cancellationToken).ConfigureAwait(false);
        ClearRepair(entry, alive);
        RemoveLocks(entry, alive[0].Pid);
        Continue(entry, alive);
        var held = await WaitRunningAsync(entry, cancellationToken).ConfigureAwait(false);
        if (held is not null)
        {
            EngineLog.NotThawed(_logger, entry.Operation, held);
            return new RescueReport(WorkloadState.Unknown, held) { Held = true };
        }

        return rootLives
            ? new RescueReport(WorkloadState.Running, "it runs")
            : new RescueReport(WorkloadState.Unknown, $"its root, process {root.Pid}, is gone while {alive.Count} others run");
    }

    /// <summary>The processes of the entry that are still the same.</summary>
    private static List<JournalProcess> Alive(JournalEntry entry) =>
        [.. entry.Processes.Where(p => ProcStat.Read(p.Pid) is { } s && s.StartTime == p.StartTime && s.State is not ('Z' or 'X'))];

    /// <summary>CRIU kills a tree and ends without waiting: memory of many gigabytes outlives both by a second or more.</summary>
    private async Task WaitDyingAsync(JournalEntry entry, CancellationToken cancellationToken)
    {
        var start = _time.GetTimestamp();
        while (_time.GetElapsedTime(start) < DeathDeadline && Alive(entry).Any(static p => TaskState.IsDying(p.Pid)))
        {
            await Task.Delay(PollInterval, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task WaitUntracedAsync(JournalEntry entry, CancellationToken cancellationToken)
    {
        var start = _time.GetTimestamp();
        while (_time.GetElapsedTime(start) < ReleaseDeadline && Alive(entry).Any(static p => TaskState.Tracer(p.Pid) != 0))
        {
            await Task.Delay(PollInterval, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    private void ClearRepair(JournalEntry entry, List<JournalProcess> alive)
    {
        foreach (var process in alive)
        {
            using var pidFd = process.Open();
            if (pidFd is null)
            {
                continue;
            }

            foreach (var (fd, _) in TaskState.Sockets(process.Pid))
            {
                try
                {
                    using var socket = pidFd.DuplicateFd(fd);
                    if (TcpRepair.IsOn(socket))
                    {
                        TcpRepair.Clear(socket);
                        EngineLog.Mended(_logger, entry.Operation, "TCP repair mode",
                            string.Create(CultureInfo.InvariantCulture, $"pid {process.Pid}, fd {fd}"));
                    }
                }
                catch (PlatformException e)
                {
                    // The process closed the socket or ended meanwhile: then there is nothing to clear. Anything else is told.
                    EngineLog.CleanupFailed(_logger, e, entry.Operation, $"socket {fd} of pid {process.Pid}");
                }
            }
        }
    }

    /// <summary>
    /// Deletes the firewall table that this operation's CRIU made in the tree's network namespace, and no other. CRIU leaves it also
    /// after a dump that ended the tree. It shuts the whole namespace of a container, also for the other containers of the pod and for what
    /// is started there next. What it guarded, the connections that may go on elsewhere, <see cref="LeftConnections"/> keeps silent, which goes with it when
    /// the tree lives.
    /// </summary>
    private void RemoveLocks(JournalEntry entry, int? alivePid)
    {
        if (entry.CriuLog is not { } log || NetworkLock.TableOf(log) is not { } mine)
        {
            return;
        }

        // With nobody left the namespace is ours (plain processes share it), that of a pod that is still there, or gone with its tables. The
        // name of the table is of this run of CRIU alone: it does no harm if another namespace has the number meanwhile.
        var within = alivePid;
        if (alivePid is null && NamespaceInode.TryOf(Environment.ProcessId, "net") != entry.NetworkNamespace)
        {
            within = NetNamespace.FindProcess(entry.NetworkNamespace);
            if (within is null)
            {
                return;
            }
        }

        var left = alivePid is null ? null : LeftConnections.TableOf(entry.Operation).Name;
        try
        {
            foreach (var table in Nftables.ListTables(within).Where(t => t.Name == mine || t.Name == left))
            {
                Nftables.DeleteTable(table, within);
                EngineLog.Mended(_logger, entry.Operation, "network lock", table.Name);
            }
        }
        catch (PlatformException e)
        {
            EngineLog.CleanupFailed(_logger, e, entry.Operation, "the network lock");
        }
    }

    private void Thaw(JournalEntry entry, string freezer)
    {
        if (Cgroup.Open(freezer) is { IsFrozen: true } cgroup)
        {
            cgroup.Thaw();
            EngineLog.Mended(_logger, entry.Operation, "frozen cgroup", freezer);
        }
    }

    private void Continue(JournalEntry entry, List<JournalProcess> alive)
    {
        foreach (var process in alive.Where(static p => !p.WasStopped && ProcStat.Read(p.Pid)?.State == 'T'))
        {
            using var pidFd = process.Open();
            if (pidFd is not null)
            {
                pidFd.Signal(Signals.Continue);
                EngineLog.Mended(_logger, entry.Operation, "stopped process", process.Pid.ToString(CultureInfo.InvariantCulture));
            }
        }
    }

    /// <summary>Null when nobody of the tree is stopped or traced, else what holds it.</summary>
    private async Task<string?> WaitRunningAsync(JournalEntry entry, CancellationToken cancellationToken)
    {
        var start = _time.GetTimestamp();
        while (true)
        {
            var held = Alive(entry)
                .Where(static p => TaskState.Tracer(p.Pid) != 0 || (!p.WasStopped && ProcStat.Read(p.Pid)?.State is 'T' or 't'))
                .Select(static p => string.Create(
                    CultureInfo.InvariantCulture, $"process {p.Pid} is {(TaskState.Tracer(p.Pid) is var t and not 0 ? $"traced by {t}" : "stopped")}"))
                .FirstOrDefault();
            if (held is null || _time.GetElapsedTime(start) > ReleaseDeadline)
            {
                return held;
            }

            await Task.Delay(PollInterval, _time, cancellationToken).ConfigureAwait(false);
        }
    }
}

/// <summary>What was found after mending.</summary>
internal sealed record RescueReport(WorkloadState State, string Detail)
{
    /// <summary>A process of it is still stopped or traced.</summary>
    public bool Held { get; init; }
}
