using System.Net;
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

    /// <summary>The tree is gone and its pod is not: CRIU's lock would shut it for everybody else. What the ended tree left stays.</summary>
    [Fact]
    public async Task The_lock_of_a_tree_that_was_ended_goes_from_its_pods_network()
    {
        using var pod = InOwnNetwork();
        using var directory = new TemporaryDirectory();
        var entry = await LockedAsync(pod, directory);
        entry = entry with { Processes = [new JournalProcess(int.MaxValue, 1, 1, false)] };

        Assert.Equal(WorkloadState.Gone, (await Rescue().MendAsync(entry, CancellationToken.None)).State);

        Assert.Equal([LeftConnections.TableOf("op")], Nftables.ListTables(pod.Pid));
    }

    [Fact]
    public async Task A_tree_that_lives_on_is_heard_again()
    {
        using var pod = InOwnNetwork();
        using var directory = new TemporaryDirectory();

        Assert.Equal(WorkloadState.Running, (await Rescue().MendAsync(await LockedAsync(pod, directory), CancellationToken.None)).State);

        Assert.Empty(Nftables.ListTables(pod.Pid));
    }

    private static ChildProcess InOwnNetwork()
    {
        if (!Environment.IsPrivilegedProcess || !Host.HasCapability("CAP_SYS_ADMIN"))
        {
            Assert.Skip("needs root with CAP_SYS_ADMIN");
        }

        ChildProcess child = new("unshare", "--net", "sleep", "600");
        while (ProcStat.Read(child.Pid) is { Name: not "sleep" })
        {
            Thread.Sleep(10);
        }

        return child;
    }

    /// <summary>As if CRIU had locked its network, and its connections were kept silent.</summary>
    private static async Task<JournalEntry> LockedAsync(ChildProcess pod, TemporaryDirectory directory)
    {
        var log = Path.Combine(directory.Path, "dump.log");
        await File.WriteAllTextAsync(log, "(00.000000) CRIU run id = fd9c6520-670d-4266-97de-1cb9397bf8a8\n", TestContext.Current.CancellationToken);
        try
        {
            Nftables.Silence(new NftTable(NftFamily.Inet, NetworkLock.TableOf(log)!), [], pod.Pid);
        }
        catch (PlatformException e)
        {
            Assert.Skip($"no nftables here: {e.Message}");
        }

        Nftables.Silence(LeftConnections.TableOf("op"), [(new IPEndPoint(IPAddress.Loopback, 1), new IPEndPoint(IPAddress.Loopback, 2))], pod.Pid);
        return Entry(pod.Pid, wasStopped: false) with { CriuLog = log, NetworkNamespace = NamespaceInode.Of(pod.Pid, "net") };
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
