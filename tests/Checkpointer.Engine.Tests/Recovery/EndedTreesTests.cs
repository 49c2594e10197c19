using System.Globalization;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Lineages;
using Checkpointer.Engine.Recovery;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Engine.Tests.Recovery;

public sealed class EndedTreesTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly EngineServices _services;

    public EndedTreesTests()
    {
        _services = new EngineServices(
            new EngineOptions { StateDirectory = _directory.Path, RunDirectory = _directory.File("run") },
            NullLoggerFactory.Instance,
            TimeProvider.System);
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void The_oldest_ended_trees_go_and_living_ones_stay()
    {
        for (var i = 0; i < 52; i++)
        {
            Write(string.Create(CultureInfo.InvariantCulture, $"ended-{i}"), int.MaxValue, DateTime.UnixEpoch.AddDays(i));
        }

        Write("living", Environment.ProcessId, DateTime.UnixEpoch);
        Directory.CreateDirectory(Path.Combine(_directory.Path, "trees", "lost+found"));

        new EndedTrees(_services).Sweep();

        var left = _services.Trees.Operations();
        Assert.Equal(51, left.Count);
        Assert.Contains("living", left);
        Assert.DoesNotContain("ended-0", left);
        Assert.DoesNotContain("ended-1", left);
    }

    [Fact]
    public void The_cgroup_that_a_failed_restore_left_is_removed()
    {
        using var cgroup = TemporaryCgroup.Create();
        Directory.CreateDirectory(Path.Combine(_directory.Path, "logs", cgroup.Operation));

        new EndedTrees(_services).Sweep();

        Assert.False(cgroup.Exists);
    }

    [Fact]
    public void The_cgroup_of_a_restore_in_progress_stays()
    {
        using var cgroup = TemporaryCgroup.Create();
        Directory.CreateDirectory(Path.Combine(_directory.Path, "logs", cgroup.Operation));
        using var journal = _services.Journal.Open(new JournalEntry
        {
            Operation = cgroup.Operation,
            Kind = OperationKind.Restore,
            Phase = OperationPhase.Prepare,
            Started = DateTimeOffset.UnixEpoch,
            Repository = "/r",
            KeyFile = "/k",
            BootId = Host.BootId,
        });

        new EndedTrees(_services).Sweep();

        Assert.True(cgroup.Exists);
    }

    [Fact]
    public void The_cgroup_of_somebody_elses_restore_stays()
    {
        using var cgroup = TemporaryCgroup.Create();

        new EndedTrees(_services).Sweep();

        Assert.True(cgroup.Exists);
    }

    [Fact]
    public void The_oldest_directories_of_restores_that_never_let_a_tree_go_are_removed_too()
    {
        for (var i = 0; i < 52; i++)
        {
            var directory = _services.Trees.DirectoryOf(string.Create(CultureInfo.InvariantCulture, $"failed-{i}"));
            Directory.CreateDirectory(directory);
            Directory.SetLastWriteTimeUtc(directory, DateTime.UnixEpoch.AddDays(i));
        }

        new EndedTrees(_services).Sweep();

        Assert.Equal(50, _services.Trees.Operations().Count);
    }

    private void Write(string operation, int owner, DateTime time)
    {
        Directory.CreateDirectory(_services.Trees.DirectoryOf(operation));
        _services.Trees.Write(new TreeRecord
        {
            Operation = operation,
            Snapshot = "00112233445566778899aabbccddeeff-1",
            Lineage = "00112233445566778899aabbccddeeff",
            OwnerPid = owner,
            OwnerStartTime = ProcStat.Read(owner)?.StartTime ?? 1,
            RootPid = owner,
            RootStartTime = 1,
            BootId = Host.BootId,
            OwnPidNamespace = false,
        });
        Directory.SetLastWriteTimeUtc(_services.Trees.DirectoryOf(operation), time);
    }
}
