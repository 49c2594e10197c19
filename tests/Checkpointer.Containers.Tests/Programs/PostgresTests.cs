namespace Checkpointer.Containers.Tests;

/// <summary>PostgreSQL as a user of its own, written to without a pause while it moves.</summary>
public sealed class PostgresTests(TwoNodes nodes)
{
    private const int Some = 40;

    [Fact]
    public async Task A_database_under_load_goes_on_and_loses_no_commit()
    {
        await nodes.NeedProgramAsync("postgresql");
        var options = Database.Of();
        await using var from = await TestPod.StartAsync(nodes.A, "postgresql");
        var before = await from.RunAsync(options);
        await before.MustSayAsync("committed ", Some);
        Database.MustBeRight(await Database.CheckAsync(before));
        var snapshot = (await before.CheckpointAsync(NodeCapabilities.OtherUsers)).Snapshot();
        var promised = before.Lines("committed ").Count;

        await using var to = await TestPod.StartAsync(nodes.B, "postgresql");
        var after = (await to.RestoreAsync(options, snapshot, NodeCapabilities.OtherUsers)).Container;
        var first = await Database.CheckAsync(after);
        Database.MustBeRight(first);
        Assert.True(Database.Number(first, "newest receipt ") >= promised, $"{promised} commits were promised, of which there are {Database.Number(first, "newest receipt ")}");
        await after.MustSayAsync("committed ", Some);
        var second = await Database.CheckAsync(after);
        Database.MustBeRight(second);
        Assert.True(Database.Number(second, "number of transfers ") > Database.Number(first, "number of transfers "), "the load stands still");

        // One connection throughout: the backend that commits is the same.
        var backend = before.Lines("committed ")[0].Split(' ')[^1];
        Program.MustFollow("committed ", $" by {backend}", before, after);
        await after.StopAsync(Program.Limit);
        Assert.Equal(0, await after.ExitCodeAsync(Program.Limit));
        Assert.Equal(["checksums 0 bad"], after.Lines("checksums "));
    }
}
