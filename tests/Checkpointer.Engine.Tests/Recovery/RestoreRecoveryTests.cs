using System.Globalization;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Recovery;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Engine.Tests.Recovery;

public sealed class RestoreRecoveryTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly EngineServices _services;

    public RestoreRecoveryTests()
    {
        _services = new EngineServices(
            new EngineOptions { StateDirectory = _directory.Path, RunDirectory = _directory.File("run") },
            NullLoggerFactory.Instance,
            TimeProvider.System);
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_tree_that_ran_and_ended_is_not_told_to_be_restored_again()
    {
        var tree = _services.Trees.DirectoryOf("op-1");
        Directory.CreateDirectory(tree);
        await File.WriteAllTextAsync(Path.Combine(tree, "exit"), "exited 0\n", TestContext.Current.CancellationToken);

        var outcome = await new RestoreRecovery(_services).RecoverAsync(Entry(), TestContext.Current.CancellationToken);

        Assert.Equal("tree-adopted", outcome.Outcome);
        Assert.True(File.Exists(Path.Combine(tree, "exit")));
    }

    [Fact]
    public async Task A_restore_that_never_started_leaves_nothing()
    {
        var tree = _services.Trees.DirectoryOf("op-1");
        Directory.CreateDirectory(tree);

        var outcome = await new RestoreRecovery(_services).RecoverAsync(Entry(), TestContext.Current.CancellationToken);

        Assert.Equal("tree-killed", outcome.Outcome);
        Assert.False(Directory.Exists(tree));
    }

    [Fact]
    public async Task Another_boot_leaves_no_directory_of_a_tree_that_was_never_let_go()
    {
        var tree = _services.Trees.DirectoryOf("op-1");
        Directory.CreateDirectory(tree);
        await File.WriteAllTextAsync(Path.Combine(tree, "init.log"), "", TestContext.Current.CancellationToken);

        var outcome = await new RestoreRecovery(_services).RecoverAsync(
            Entry() with { BootId = "another" }, TestContext.Current.CancellationToken);

        Assert.Equal("closed-as-gone", outcome.Outcome);
        Assert.False(Directory.Exists(tree));
    }

    [Fact]
    public async Task Another_boot_leaves_the_output_of_a_tree_that_ran()
    {
        var tree = _services.Trees.DirectoryOf("op-1");
        Directory.CreateDirectory(tree);
        await File.WriteAllTextAsync(Path.Combine(tree, "exit"), "exited 0\n", TestContext.Current.CancellationToken);

        await new RestoreRecovery(_services).RecoverAsync(Entry() with { BootId = "another" }, TestContext.Current.CancellationToken);

        Assert.True(Directory.Exists(tree));
    }

    [Fact]
    public async Task Orphans_of_a_dead_owner_are_found_in_the_cgroup_and_ended()
    {
        using var cgroup = TemporaryCgroup.Create();
        using var orphan = ChildProcess.Sleeping();
        cgroup.Cgroup.Join(orphan.Pid);

        var outcome = await new RestoreRecovery(_services).RecoverAsync(
            Entry(cgroup.Operation), TestContext.Current.CancellationToken);

        Assert.Equal("tree-killed", outcome.Outcome);
        Assert.True(orphan.HasEnded);
        Assert.False(cgroup.Exists);
    }

    [Fact]
    public async Task A_tree_that_was_let_go_and_lost_its_owner_is_not_touched()
    {
        using var cgroup = TemporaryCgroup.Create();
        using var member = ChildProcess.Sleeping();
        cgroup.Cgroup.Join(member.Pid);

        var outcome = await new RestoreRecovery(_services).RecoverAsync(
            Entry(cgroup.Operation) with { Released = true }, TestContext.Current.CancellationToken);

        Assert.Equal("attention", outcome.Outcome);
        Assert.False(outcome.Close);
        Assert.Contains(cgroup.Cgroup.Name.TrimStart('/'), outcome.Message, StringComparison.Ordinal);
        Assert.False(member.HasEnded);
    }

    [Fact]
    public async Task Orphans_in_a_cgroup_that_a_person_named_are_ended_and_nobody_else_in_it()
    {
        using var cgroup = TemporaryCgroup.Create();
        using var stranger = InSession(cgroup, "sleep", "600");
        using var task = InSession(cgroup, "sleep", "600");
        using var criu = InSession(cgroup, "/bin/sh", "-c", "read never", "criu", "--pidfile", Path.Combine(_directory.Path, "restored.pid"));
        using var reader = InSession(cgroup, "/bin/sh", "-c", "read never", "less", Path.Combine(_directory.Path, "output.log"));

        var outcome = await new RestoreRecovery(_services).RecoverAsync(Shared(cgroup, [task.Pid]), TestContext.Current.CancellationToken);

        Assert.Equal("tree-killed", outcome.Outcome);
        Assert.True(task.HasEnded);
        Assert.True(criu.HasEnded);
        Assert.False(stranger.HasEnded);
        Assert.False(reader.HasEnded);
        Assert.True(cgroup.Exists);
    }

    [Fact]
    public async Task An_id_that_an_older_process_has_in_that_cgroup_does_not_make_it_an_orphan()
    {
        using var cgroup = TemporaryCgroup.Create();
        using var older = InSession(cgroup, "sleep", "600");
        var entry = Shared(cgroup, [older.Pid]);

        await new RestoreRecovery(_services).RecoverAsync(
            entry with { Processes = [entry.Processes[0] with { StartTime = ProcStat.Read(older.Pid)!.StartTime + 1 }] }, TestContext.Current.CancellationToken);

        Assert.False(older.HasEnded);
    }

    [Fact]
    public async Task An_id_that_a_stranger_of_a_living_session_has_in_that_cgroup_does_not_make_him_an_orphan()
    {
        using var cgroup = TemporaryCgroup.Create();
        using var leader = new ChildProcess("/usr/bin/setsid", "/bin/sh", "-c", "sleep 600 & echo $!; wait");
        var stranger = int.Parse((await leader.Output.ReadLineAsync(TestContext.Current.CancellationToken))!, CultureInfo.InvariantCulture);
        Assert.Equal(leader.Pid, ProcStat.Read(stranger)!.Session);
        cgroup.Cgroup.Join(stranger);

        await new RestoreRecovery(_services).RecoverAsync(Shared(cgroup, [stranger]), TestContext.Current.CancellationToken);

        Assert.True(ProcStat.Read(stranger) is { IsZombie: false });
    }

    [Fact]
    public async Task A_tree_that_was_let_go_in_a_cgroup_that_a_person_named_is_not_touched_and_told()
    {
        using var cgroup = TemporaryCgroup.Create();
        using var task = InSession(cgroup, "sleep", "600");

        var outcome = await new RestoreRecovery(_services).RecoverAsync(
            Shared(cgroup, [task.Pid]) with { Released = true }, TestContext.Current.CancellationToken);

        Assert.Equal("attention", outcome.Outcome);
        Assert.False(outcome.Close);
        Assert.Contains($"process {task.Pid}", outcome.Message, StringComparison.Ordinal);
        Assert.Contains(cgroup.Cgroup.Name, outcome.Message, StringComparison.Ordinal);
        Assert.False(task.HasEnded);
    }

    /// <summary>A process in a session of its own, in the cgroup.</summary>
    private static ChildProcess InSession(TemporaryCgroup cgroup, params string[] command)
    {
        // A child of .NET leads no group, so setsid becomes the program itself.
        var child = new ChildProcess("/usr/bin/setsid", command);
        Assert.True(SpinWait.SpinUntil(() => ProcStat.Read(child.Pid)!.Session == child.Pid, TimeSpan.FromSeconds(30)));
        cgroup.Cgroup.Join(child.Pid);
        return child;
    }

    /// <summary>The entry of a restore into this cgroup as if a person had named it, whose owner is dead.</summary>
    private JournalEntry Shared(TemporaryCgroup cgroup, IReadOnlyList<int> ids)
    {
        using var owner = ChildProcess.Sleeping();
        var started = ProcStat.Read(Environment.ProcessId)!.StartTime;
        return Entry() with
        {
            TreeDirectory = _directory.Path,
            Cgroup = new JournalCgroup(cgroup.Cgroup.Name, ids),
            Processes = [new JournalProcess(owner.Pid, started, 1, WasStopped: false)],
        };
    }

    private static JournalEntry Entry(string operation = "op-1") => new()
    {
        Operation = operation,
        Kind = OperationKind.Restore,
        Phase = OperationPhase.Restore,
        Started = DateTimeOffset.UnixEpoch,
        Repository = "/r",
        KeyFile = "/k",
        BootId = Host.BootId,
        Snapshot = "00112233445566778899aabbccddeeff-1",
    };
}
