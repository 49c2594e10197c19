using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Recovery;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Engine.Tests.Recovery;

public sealed class WorkloadRescueTests
{
    [Fact]
    public async Task A_stopped_process_runs_again()
    {
        using var child = ChildProcess.Sleeping();
        var entry = Entry(child.Pid, wasStopped: false);
        Stop(child);

        var report = await Rescue().MendAsync(entry, CancellationToken.None);

        Assert.Equal(WorkloadState.Running, report.State);
        child.AwaitState('S', 'R');
    }

    [Fact]
    public async Task A_process_that_was_stopped_before_stays_stopped()
    {
        using var child = ChildProcess.Sleeping();
        Stop(child);

        var report = await Rescue().MendAsync(Entry(child.Pid, wasStopped: true), CancellationToken.None);

        Assert.Equal(WorkloadState.Running, report.State);
        Assert.Equal('T', ProcStat.Read(child.Pid)!.State);
    }

    [Fact]
    public async Task A_process_with_a_reused_pid_is_not_touched()
    {
        using var child = ChildProcess.Sleeping();
        var entry = Entry(child.Pid, wasStopped: false);
        entry = entry with { Processes = [entry.Processes[0] with { StartTime = entry.Processes[0].StartTime + 1 }] };
        Stop(child);

        var report = await Rescue().MendAsync(entry, CancellationToken.None);

        Assert.Equal(WorkloadState.Gone, report.State);
        Assert.Equal('T', ProcStat.Read(child.Pid)!.State);
    }

    [Fact]
    public async Task A_tree_whose_root_is_gone_needs_a_look()
    {
        using var child = ChildProcess.Sleeping();
        var entry = Entry(child.Pid, wasStopped: false);
        entry = entry with { Processes = [new JournalProcess(int.MaxValue, 1, 1, false), .. entry.Processes] };

        var report = await Rescue().MendAsync(entry, CancellationToken.None);

        Assert.Equal(WorkloadState.Unknown, report.State);
    }

    private static WorkloadRescue Rescue() => new(NullLogger.Instance, TimeProvider.System);

    private static void Stop(ChildProcess child)
    {
        using var pidFd = PidFd.Open(child.Pid)!;
        pidFd.Signal(Signals.Stop);
        child.AwaitState('T');
    }

    private static JournalEntry Entry(int pid, bool wasStopped)
    {
        var identity = ProcessIdentity.Of(pid)!;
        return new JournalEntry
        {
            Operation = "op",
            Kind = OperationKind.Checkpoint,
            Phase = OperationPhase.Dump,
            Started = DateTimeOffset.UnixEpoch,
            Repository = "/r",
            KeyFile = "/k",
            BootId = identity.BootId,
            Processes = [new JournalProcess(pid, identity.StartTime, identity.PidNamespace, wasStopped)],
        };
    }
}
