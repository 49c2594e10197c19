using System.Globalization;

namespace Checkpointer.Containers.Tests;

/// <summary>PostgreSQL as a user of its own, written to without a pause while it moves.</summary>
public sealed class PostgresTests(TwoNodes nodes)
{
    private const int User = 1000;
    private const int Some = 40;

    [Fact]
    public async Task A_database_under_load_goes_on_and_loses_no_commit()
    {
        await nodes.NeedProgramAsync("postgresql");
        var options = Program.Of("postgresql", "bash", "/programs/postgresql.sh") with { User = User };
        await using var from = await TestPod.StartAsync(nodes.A, "postgresql");
        var before = await from.RunAsync(options);
        await before.MustSayAsync("committed ", Some);
        MustBeRight(await CheckAsync(before));
        var snapshot = (await before.CheckpointAsync(NodeCapabilities.OtherUsers)).Snapshot();
        var promised = before.Lines("committed ").Count;

        await using var to = await TestPod.StartAsync(nodes.B, "postgresql");
        var after = (await to.RestoreAsync(options, snapshot, NodeCapabilities.OtherUsers)).Container;
        var first = await CheckAsync(after);
        MustBeRight(first);
        Assert.True(Number(first, "newest receipt ") >= promised, $"{promised} commits were promised, of which there are {Number(first, "newest receipt ")}");
        await after.MustSayAsync("committed ", Some);
        var second = await CheckAsync(after);
        MustBeRight(second);
        Assert.True(Number(second, "number of transfers ") > Number(first, "number of transfers "), "the load stands still");

        // One connection throughout: the backend that commits is the same.
        var backend = before.Lines("committed ")[0].Split(' ')[^1];
        Program.MustFollow("committed ", $" by {backend}", before, after);
        await after.StopAsync(Program.Limit);
        Assert.Equal(0, await after.ExitCodeAsync(Program.Limit));
        Assert.Equal(["checksums 0 bad"], after.Lines("checksums "));
    }

    /// <summary>By SQL: sums, receipts, every page, every index.</summary>
    private static async Task<string[]> CheckAsync(TestContainer container) =>
        (await container.ReadAsync("bash", "-c", "exec /usr/lib/postgresql/*/bin/psql -XqAt -h /home/program -U program -f /programs/postgresql.sql postgres")).Split('\n');

    private static void MustBeRight(string[] answer) =>
        Assert.Equal(["sums right", "receipts right", "heap right", "indexes right", "pages right"], answer.SkipLast(2));

    private static long Number(string[] answer, string prefix) =>
        long.Parse(answer.Single(line => line.StartsWith(prefix, StringComparison.Ordinal))[prefix.Length..], CultureInfo.InvariantCulture);
}
