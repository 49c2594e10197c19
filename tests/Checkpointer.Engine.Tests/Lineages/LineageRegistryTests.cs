using System.Globalization;
using Checkpointer.Engine.Lineages;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Tests.Lineages;

public sealed class LineageRegistryTests : IDisposable
{
    private const string Repository = "0123456789abcdef0123456789abcdef";

    private static readonly LineageId Lineage = LineageId.New();

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_process_keeps_its_lineage_and_its_highest_generation()
    {
        var me = ProcessIdentity.Of(Environment.ProcessId)!;
        var registry = Registry();
        registry.Bind(me, new SnapshotId(Lineage, 7), Repository);
        registry.Saw(new SnapshotId(Lineage, 3), Repository);

        Assert.Equal(new SnapshotId(Lineage, 7), Registry().Find(me));
        Assert.Equal(7, Registry().HighestSeen(Lineage));
        Assert.Null(Registry().Find(me with { StartTime = me.StartTime + 1 }));
    }

    [Fact]
    public void A_pod_is_known_again_by_its_sandbox_whatever_that_is_called()
    {
        Registry().BindPod("../../x", new SnapshotId(Lineage, 4), Repository);

        Assert.Equal(new SnapshotId(Lineage, 4), Registry().FindPod("../../x"));
        Assert.Null(Registry().FindPod("x"));
        Assert.Equal(4, Registry().HighestSeen(Lineage));
    }

    [Fact]
    public void What_was_seen_in_one_repository_says_nothing_of_another_but_numbers_are_not_given_twice()
    {
        Registry().Saw(new SnapshotId(Lineage, 5), Repository);
        Registry().Saw(new SnapshotId(Lineage, 6), "another");
        Registry().Saw(new SnapshotId(Lineage, 2), "another");
        Registry().Saw(new SnapshotId(Lineage, 9), repository: null);

        Assert.Equal(5, Registry().HighestSeen(Lineage, Repository));
        Assert.Equal(6, Registry().HighestSeen(Lineage, "another"));
        Assert.Equal(0, Registry().HighestSeen(Lineage, "a third"));
        Assert.Equal(9, Registry().HighestSeen(Lineage));
    }

    [Fact]
    public async Task Of_many_that_speak_at_once_the_highest_generation_is_kept()
    {
        var speakers = Enumerable.Range(1, 24).Select(generation => Task.Run(
            () => Registry().Saw(new SnapshotId(Lineage, generation), Repository), TestContext.Current.CancellationToken));
        await Task.WhenAll(speakers);

        Assert.Equal(24, Registry().HighestSeen(Lineage));
    }

    [Fact]
    public void Processes_that_are_gone_are_forgotten_and_living_ones_are_not()
    {
        var me = ProcessIdentity.Of(Environment.ProcessId)!;
        using var other = ChildProcess.Sleeping();
        var registry = Registry();
        registry.Bind(ProcessIdentity.Of(other.Pid)!, new SnapshotId(Lineage, 1), Repository);
        registry.Bind(me with { StartTime = me.StartTime + 1 }, new SnapshotId(Lineage, 1), Repository); // the pid is another's by now
        registry.Bind(me with { BootId = "11111111-2222-3333-4444-555555555555" }, new SnapshotId(Lineage, 1), Repository);

        registry.Bind(me, new SnapshotId(Lineage, 2), Repository);

        Assert.Equal(
            new[] { me.Pid, other.Pid }.Order(),
            Directory.EnumerateFiles(Path.Combine(_directory.Path, "lineages", "processes"))
                .Select(path => int.Parse(Path.GetFileName(path).Split('-')[^2], CultureInfo.InvariantCulture)).Order());
    }

    [Fact]
    public void A_process_of_another_pid_namespace_is_not_taken_for_gone()
    {
        var me = ProcessIdentity.Of(Environment.ProcessId)!;
        var registry = Registry();
        var absent = me with { Pid = int.MaxValue };
        registry.Bind(absent, new SnapshotId(Lineage, 1), Repository);
        var record = Assert.Single(Directory.GetFiles(Path.Combine(_directory.Path, "lineages", "processes")));
        File.WriteAllText(record, $$"""{"version":1,"lineage":"{{Lineage}}","highestGeneration":1,"seenFrom":1}""");

        registry.Bind(me, new SnapshotId(Lineage, 2), Repository);

        Assert.Equal(new SnapshotId(Lineage, 1), registry.Find(absent));
    }

    private LineageRegistry Registry() => new(_directory.Path);
}
