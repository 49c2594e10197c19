using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Recovery;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Engine.Tests.Recovery;

/// <summary>A pod that was made for a restore whose engine died.</summary>
public sealed class MadePodRecoveryTests : IDisposable
{
    private static readonly string Uid = Guid.NewGuid().ToString("D");
    private readonly TemporaryDirectory _directory = new();
    private readonly MadePods _runtime = new();
    private readonly EngineServices _services;

    public MadePodRecoveryTests()
    {
        _services = new EngineServices(
            new EngineOptions { StateDirectory = _directory.Path, RunDirectory = _directory.File("run") }, NullLoggerFactory.Instance, TimeProvider.System, runtime: _runtime);
        _runtime.Uids.AddRange([Uid, "another"]);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(false, null)]
    [InlineData(false, "another boot")]
    [InlineData(true, null)]
    [InlineData(true, "another boot")]
    public async Task It_is_removed_with_its_directories_and_nothing_else(bool began, string? boot)
    {
        var volumes = Directory.CreateDirectory(_directory.File($"pods/{Uid}/volumes"));
        var entry = Entry(boot) with { TreeDirectory = began ? _services.Trees.DirectoryOf("op-1") : null };

        var outcome = await new RestoreRecovery(_services).RecoverAsync(entry, Token);

        Assert.True(outcome.Close);
        Assert.Contains("pod that was made", outcome.Message, StringComparison.Ordinal);
        Assert.Equal(["another"], _runtime.Uids);
        Assert.False(volumes.Exists && Directory.Exists(volumes.Parent!.FullName));
    }

    [Fact]
    public async Task What_the_runtime_does_not_remove_stays_in_the_journal()
    {
        _runtime.Error = new HostException("runtime-unreachable", "no runtime answers", "Start it.");
        var outcome = await new RestoreRecovery(_services).RecoverAsync(Entry(null), Token);
        Assert.Equal(("attention", false), (outcome.Outcome, outcome.Close));
        Assert.Contains(Uid, outcome.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_whose_tree_ran_is_kept()
    {
        var tree = Directory.CreateDirectory(_services.Trees.DirectoryOf("op-1")).FullName;
        await File.WriteAllTextAsync(Path.Combine(tree, "exit"), "exited 0\n", Token);
        var outcome = await new RestoreRecovery(_services).RecoverAsync(Entry(null) with { TreeDirectory = tree }, Token);
        Assert.Equal("tree-adopted", outcome.Outcome);
        Assert.Contains(Uid, _runtime.Uids);
    }

    [Fact]
    public async Task Directories_of_pods_that_somebody_removed_go_and_those_of_others_stay()
    {
        var gone = Old(Guid.NewGuid().ToString("D"));
        var there = Old(Uid);
        var young = Directory.CreateDirectory(_directory.File($"pods/{Guid.NewGuid():D}/volumes")).Parent!.FullName;
        var foreign = Old("not-a-uid");

        await MadeVolumes.SweepAsync(_services, Token);

        Assert.Equal((false, true, true, true), (Directory.Exists(gone), Directory.Exists(there), Directory.Exists(young), Directory.Exists(foreign)));
    }

    private string Old(string uid)
    {
        var directory = Directory.CreateDirectory(_directory.File($"pods/{uid}/volumes")).Parent!.FullName;
        Directory.SetLastWriteTimeUtc(directory, DateTime.UtcNow.AddHours(-2));
        return directory;
    }

    private static JournalEntry Entry(string? boot) => new()
    {
        Operation = "op-1",
        Kind = OperationKind.Restore,
        Phase = OperationPhase.Prepare,
        Started = DateTimeOffset.UnixEpoch,
        Repository = "/r",
        KeyFile = "/k",
        BootId = boot ?? Host.BootId,
        MadePod = Uid,
    };
}
