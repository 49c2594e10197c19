using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Checkpointer.Containers.Tests;

/// <summary>
/// How long a container stands still on its way: a benchmark, not a verdict on a crowded machine. <c>bench/containers.sh</c> runs it with
/// <c>CHECKPOINTER_BENCH</c>, a folder: it gets the results, and after each round says with an empty file that its own turn is over.
/// </summary>
public sealed class OutageTests(TwoNodes nodes, ITestOutputHelper output)
{
    private static readonly TimeSpan TurnLimit = TimeSpan.FromMinutes(5);

    private static string? Bench => System.Environment.GetEnvironmentVariable("CHECKPOINTER_BENCH");

    private static int Rounds => int.Parse(System.Environment.GetEnvironmentVariable("CHECKPOINTER_BENCH_ROUNDS") ?? "5", CultureInfo.InvariantCulture);

    [Theory]
    [Trait("Length", "Long")]
    [InlineData(64)]
    [InlineData(2048)]
    public async Task From_the_freeze_to_running_again(int mebibytes)
    {
        List<double> outages = [];
        for (var round = 0; round < Rounds; round++)
        {
            var result = await RoundAsync(ContainerOptions.Workload($"memory={mebibytes}"));
            outages.Add(result["outage"]!.GetValue<double>());
            result["size"] = mebibytes;
            output.WriteLine(result.ToJsonString());
            if (Bench is { } folder)
            {
                await File.AppendAllTextAsync(Path.Combine(folder, "results"), result.ToJsonString() + "\n", TestContext.Current.CancellationToken);
                var turn = Path.Combine(folder, $"turn-{mebibytes}-{round}");
                await Eventually.TrueAsync($"the end of the other's turn: {turn}", TurnLimit, () => File.Exists(turn));
            }
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{mebibytes} MiB: median outage {outages.Order().ElementAt(Rounds / 2):F0} ms of {Rounds}"));
        Assert.Equal(Rounds, outages.Count);
    }

    private async Task<JsonObject> RoundAsync(ContainerOptions options)
    {
        await using var from = await TestPod.StartAsync(nodes.A, "outage");
        await using var to = await TestPod.StartAsync(nodes.B, "outage");
        var before = await Workload.StartAsync(from, options);
        var after = new Workload(await to.RunAsync(Placeholder.Of(options)));
        var checkpoint = await JsonOfAsync(nodes.A, "checkpoint", "--container", before.Container.Id, "--name", from.Name, "--full", "--json");
        var restore = await JsonOfAsync(nodes.B, "restore", "--latest", from.Name, "--into", after.Container.Id, "--json");
        await after.MustTickAsync();

        const string Tick = "tick ";
        var frozen = checkpoint["frozenMs"]!.GetValue<double>();
        return new JsonObject
        {
            // Frozen until ended, and then all of the restore but its command line.
            ["outage"] = frozen + restore["timings"]!["total"]!.GetValue<double>(),
            // From the last line of the one log to the first of the other, with both command lines and a tick.
            ["seen"] = (CriLog.Times(after.Container.LogPath, Tick)[0] - CriLog.Times(before.Container.LogPath, Tick)[^1]).TotalMilliseconds,
            ["frozen"] = frozen,
            ["checkpoint"] = checkpoint["timings"]!.DeepClone(),
            ["restore"] = restore["timings"]!.DeepClone(),
        };
    }

    private static async Task<JsonNode> JsonOfAsync(ContainerNode node, params string[] arguments) =>
        JsonNode.Parse((await node.CheckpointerAsync(arguments)).MustSucceed().Stdout)!;
}
