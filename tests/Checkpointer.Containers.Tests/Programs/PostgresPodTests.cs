namespace Checkpointer.Containers.Tests;

/// <summary>A database and those who write to it are two containers of a pod: they move together, and their connections with them.</summary>
public sealed class PostgresPodTests(TwoNodes nodes)
{
    private const int Some = 40;

    [Fact]
    public async Task A_database_and_its_writer_go_on_as_a_pod_over_the_same_connections()
    {
        await nodes.NeedProgramAsync("postgresql");
        await using var from = await TestPod.StartAsync(nodes.A, "postgresql-pod");
        var server = await from.RunAsync(Database.Of("server") with { Name = "database" });
        await server.MustSayAsync("loaded");
        var writer = await from.RunAsync(Database.Of("writer") with { Name = "writer" });
        await writer.MustSayAsync("committed ", Some);
        Database.MustBeRight(await Database.CheckAsync(server));
        var checkpoint = (await nodes.A.CheckpointerAsync(["checkpoint", "--pod", from.Name, "--json", .. NodeCapabilities.OtherUsers])).MustSucceed().Json;
        Assert.Equal(["database", "writer"], checkpoint.GetProperty("members").EnumerateArray().Select(static m => m.GetProperty("name").GetString()));
        await server.ExitCodeAsync(Program.Limit);
        await writer.ExitCodeAsync(Program.Limit);
        var promised = writer.Lines("committed ").Count;

        await using var to = await TestPod.StartAsync(nodes.B, "postgresql-pod");
        var newServer = await to.RunAsync(Placeholder.Of(Database.Of("server") with { Name = "database" }));
        var newWriter = await to.RunAsync(Placeholder.Of(Database.Of("writer") with { Name = "writer" }));
        (await nodes.B.CheckpointerAsync(["restore", checkpoint.Snapshot(), "--into", to.Name, "--json", .. NodeCapabilities.OtherUsers])).MustSucceed();
        var first = await Database.CheckAsync(newServer);
        Database.MustBeRight(first);
        Assert.True(Database.Number(first, "newest receipt ") >= promised, $"{promised} commits were promised, of which there are {Database.Number(first, "newest receipt ")}");
        await newWriter.MustSayAsync("committed ", Some);
        var second = await Database.CheckAsync(newServer);
        Database.MustBeRight(second);
        Assert.True(Database.Number(second, "number of transfers ") > Database.Number(first, "number of transfers "), "the load stands still");

        // One connection throughout, between the two containers: the backend that commits is the same, and every number is answered once.
        Program.MustFollow("committed ", $" by {writer.Lines("committed ")[0].Split(' ')[^1]}", writer, newWriter);
        await newWriter.StopAsync(Program.Limit);
        Assert.Equal(0, await newWriter.ExitCodeAsync(Program.Limit));
        await newServer.StopAsync(Program.Limit);
        Assert.Equal(0, await newServer.ExitCodeAsync(Program.Limit));
        Assert.Equal(["checksums 0 bad"], newServer.Lines("checksums "));
    }
}
