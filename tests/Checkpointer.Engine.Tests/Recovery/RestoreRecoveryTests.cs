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
