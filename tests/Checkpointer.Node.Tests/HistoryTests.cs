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

    private static Task<NodeFixture> StartAsync(TempDirectory place) => NodeFixture.StartAsync(c => c with { StateDirectory = place.File("state") });
}
