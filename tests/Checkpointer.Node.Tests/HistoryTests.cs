using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Node.Tests;

/// <summary>Finished operations outlive the service.</summary>
public sealed class HistoryTests
{
    /// <summary>As a released version wrote it: it stays readable.</summary>
    private const string Stored = """
        {"version":1,"operation":{"id":"01m8bw4qf22543gy","kind":"checkpoint","subject":"pid 7","phase":"done",
        "progress":{"phase":"commit","bytesDone":5,"bytesTotal":6,"bytesStored":4,"bytesPerSecond":2.5},"started":"2026-01-02T03:04:05+00:00",
        "admitted":"2026-01-02T03:04:06+00:00","finished":"2026-01-02T03:04:07+00:00","cancelRequested":false,"outcome":"failed","result":null,
        "error":{"code":"stalled","message":"m","workloadState":"running","workloadRunning":true,"snapshotDurable":false,"exitCode":1,"findings":[]},
        "phases":[{"phase":"queued","atMs":0},{"phase":"done","atMs":1.5}]}}
        """;

    [Fact]
    public async Task A_service_that_is_started_again_tells_what_its_last_life_did()
    {
        using var place = new TempDirectory();
        string succeeded, failed;
        await using (var first = await StartAsync(place))
        {
            succeeded = (await first.Client.StartCheckpointAsync(NodeFixture.Request(), first.Deadline)).Id;
            await first.Client.FollowAsync(succeeded, null, first.Deadline);
            first.Engine.OnCheckpoint = (_, _, _, _) => throw new OperationFailedException("stalled", "The store stalled.");
            failed = (await first.Client.StartCheckpointAsync(NodeFixture.Request(), first.Deadline)).Id;
            await first.Client.FollowAsync(failed, null, first.Deadline);
            await first.StopAsync();
        }

        await using var second = await StartAsync(place);
        var list = await second.Client.ListOperationsAsync(second.Deadline);

        Assert.Equal([(succeeded, "succeeded"), (failed, "failed")], list.Select(o => (o.Id, o.Outcome)));
        Assert.Equal(120, OperationResults.Checkpoint(list[0]).FrozenMs);
        Assert.Equal("stalled", list[1].Error!.Code);
        Assert.Equal("succeeded", (await second.Client.FollowAsync(succeeded, null, second.Deadline)).Outcome);
        Assert.True((await second.Client.CancelAsync(failed, second.Deadline)).IsOver);
        await second.StopAsync();
    }

    [Fact]
    public async Task What_a_killed_service_left_is_told_as_interrupted_with_what_recovery_made_of_it()
    {
        using var place = new TempDirectory();
        var (running, waiting) = await LeaveUnfinishedAsync(place);
        var found = Found(running) with { Outcome = "rolled-back", Message = "The workload runs on; no snapshot was made." };

        await using var next = await StartAsync(place, found);
        var list = await next.Client.ListOperationsAsync(next.Deadline);

        Assert.Equal([(running, "interrupted"), (waiting, "interrupted")], list.Select(o => (o.Id, o.Outcome)));
        Assert.All(list, static o => Assert.Equal("done", o.Phase));
        Assert.Equal($"pid {NodeFixture.SomePid}", list[0].Subject);
        Assert.Equal("rolled-back", list[0].Recovery!.Outcome);
        Assert.Equal(("operation-interrupted", "running", false, 1), Essence(list[0].Error!));
        Assert.Contains("phase dump", list[0].Error!.Message, StringComparison.Ordinal);
        Assert.Contains(found.Message, list[0].Error!.Message, StringComparison.Ordinal);
        Assert.Null(list[1].Recovery);
        Assert.Equal(("operation-interrupted", "untouched", false, 1), Essence(list[1].Error!));
        Assert.True(Assert.Throws<OperationFailedException>(() => OperationResults.Checkpoint(list[0])).Workload == WorkloadState.Running);
        await next.StopAsync();
    }

    [Fact]
    public async Task An_interrupted_operation_is_what_the_last_recovery_says()
    {
        using var place = new TempDirectory();
        var (running, _) = await LeaveUnfinishedAsync(place);
        await using (var second = await StartAsync(place, Found(running) with { Outcome = "attention", Message = "It is stopped." }))
        {
            var attention = await second.Client.GetOperationAsync(running, second.Deadline);
            Assert.Equal(("operation-interrupted", "unknown", (bool?)null, 6), Essence(attention.Error!));
            await second.StopAsync();
        }

        await using (var third = await StartAsync(place))
        {
            // Nothing new is known of it.
            Assert.Equal("attention", (await third.Client.GetOperationAsync(running, third.Deadline)).Recovery!.Outcome);
            await third.StopAsync();
        }

        await using var fourth = await StartAsync(place, Found(running) with { Outcome = "durable-and-gone", Message = "It has ended.", Snapshot = "s-1" });
        var last = await fourth.Client.GetOperationAsync(running, fourth.Deadline);
        Assert.Equal(("operation-interrupted", "gone", true, 1), Essence(last.Error!));
        Assert.Contains("restore s-1", last.Error!.Remedy!, StringComparison.Ordinal);
        await fourth.StopAsync();
    }

    [Fact]
    public async Task What_was_over_stays_as_it_ended_whatever_recovery_finds_of_it()
    {
        using var place = new TempDirectory();
        string id;
        await using (var first = await StartAsync(place))
        {
            id = (await first.Client.StartCheckpointAsync(NodeFixture.Request(), first.Deadline)).Id;
            await first.Client.FollowAsync(id, null, first.Deadline);
            await first.StopAsync();
        }

        await using var second = await StartAsync(place, Found(id) with { Outcome = "tree-adopted", Message = "It runs on." });

        Assert.Equal("succeeded", (await second.Client.GetOperationAsync(id, second.Deadline)).Outcome);
        await second.StopAsync();
    }

    [Fact]
    public async Task What_was_refused_before_the_queue_leaves_no_record()
    {
        using var place = new TempDirectory();
        await using var node = await StartAsync(place);

        await Assert.ThrowsAsync<UsageException>(
            () => node.Client.StartCheckpointAsync(NodeFixture.Request() with { MemoryBytes = 1L << 50 }, node.Deadline));
        await node.StopAsync();
        await Assert.ThrowsAsync<HostException>(async () => await Task.Run(() => node.Service<OperationScheduler>().Submit(
            new Operation("late", OperationKinds.Checkpoint, "pid 1", 1, (_, _, _) => throw new InvalidOperationException(), TimeProvider.System))));

        Assert.Empty(Store(place).Load(10));
    }

    [Fact]
    public void No_more_than_the_bound_are_kept_on_disk()
    {
        using var place = new TempDirectory();
        var store = Store(place);
        var one = Read(Stored);
        for (var i = 0; i < 6; i++)
        {
            store.Save(one with { Id = $"01m8bw4qf2254{i}" });
        }

        Assert.Equal(["01m8bw4qf22543", "01m8bw4qf22544", "01m8bw4qf22545"], store.Load(3).Select(o => o.Id));
        Assert.Equal(3, Directory.GetFiles(place.File("state/history")).Length);
    }

    [Fact]
    public void What_cannot_be_read_keeps_nothing_else_back()
    {
        using var place = new TempDirectory();
        Directory.CreateDirectory(place.File("state/history"));
        File.WriteAllText(place.File("state/history/01m8bw4qf22543gy.json"), Stored);
        File.WriteAllText(place.File("state/history/01m8bw4qf22543gz.json"), "{");
        File.WriteAllText(place.File("state/history/01m8bw4qf22543ga.json"), Stored);
        File.WriteAllText(place.File("state/history/01m8bw4qf22543gb.json"), Stored.Replace("\"version\":1", "\"version\":2", StringComparison.Ordinal));
        File.WriteAllText(place.File("state/history/01m8bw4qf22543gc.json"), new string(' ', 2 << 20));

        Assert.Equal("stalled", Assert.Single(Store(place).Load(10)).Error!.Code);
    }

    [Fact]
    public void A_store_that_fails_is_no_failure_of_the_operation()
    {
        using var place = new TempDirectory();
        Directory.CreateDirectory(place.File("state"));
        File.WriteAllText(place.File("state/history"), "in the way");

        Store(place).Save(Read(Stored));

        Assert.Empty(Store(place).Load(10));
    }

    private static OperationResource Read(string json) => JsonSerializer.Deserialize(json, HistoryJson.Default.StoredOperation)!.Operation;

    private static OperationStore Store(TempDirectory place) =>
        new(new NodeConfiguration { StateDirectory = place.File("state") }, NullLogger<OperationStore>.Instance);

    private static (string Code, string State, bool? Durable, int ExitCode) Essence(ErrorReport error) =>
        (error.Code, error.WorkloadState, error.SnapshotDurable, error.ExitCode);

    private static RecoveredOperation Found(string id) =>
        new() { Operation = id, Kind = "checkpoint", Phase = "dump", Outcome = "attention", Message = "" };

    /// <summary>The state that a service leaves that is killed while one operation runs and another waits.</summary>
    private static async Task<(string Running, string Waiting)> LeaveUnfinishedAsync(TempDirectory place)
    {
        var gate = new Gate();
        await using var node = await NodeFixture.StartAsync(c => c with { MaxConcurrent = 1 }, new ScriptedEngine { OnCheckpoint = gate.RunAsync });
        var running = (await node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline)).Id;
        await gate.Started.WaitAsync(node.Deadline);
        var waiting = (await node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline)).Id;
        Directory.CreateDirectory(place.File("state/history"));
        foreach (var file in Directory.GetFiles(Path.Combine(node.Configuration.StateDirectory, "history")))
        {
            File.Copy(file, Path.Combine(place.File("state/history"), Path.GetFileName(file)));
        }

        return (running, waiting);
    }

    private static Task<NodeFixture> StartAsync(TempDirectory place, params RecoveredOperation[] recovered) => NodeFixture.StartAsync(
        c => c with { StateDirectory = place.File("state") },
        new ScriptedEngine { OnRecover = _ => Task.FromResult(new RecoveryReport { Operations = [.. recovered] }) });
}
