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

    private static JournalEntry Entry() => new()
    {
        Operation = "op-1",
        Kind = OperationKind.Restore,
        Phase = OperationPhase.Restore,
        Started = DateTimeOffset.UnixEpoch,
        Repository = "/r",
        KeyFile = "/k",
        BootId = Host.BootId,
        Snapshot = "00112233445566778899aabbccddeeff-1",
    };
}
