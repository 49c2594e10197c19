using System.Globalization;
using System.Text.Json;

namespace Checkpointer.Containers.Tests;

/// <summary>How long a container stands still on its way: a benchmark, not a verdict on a crowded machine.</summary>
public sealed class OutageTests(TwoNodes nodes, ITestOutputHelper output)
{
    private const int Rounds = 5;

    [Theory]
    [Trait("Length", "Long")]
    [InlineData(64)]
    [InlineData(2048)]
    public async Task From_the_freeze_to_running_again(int mebibytes)
    {
        var options = ContainerOptions.Workload($"memory={mebibytes}");
        List<double> outages = [];
        for (var round = 0; round < Rounds; round++)
        {
            await using var from = await TestPod.StartAsync(nodes.A, "outage");
            await using var to = await TestPod.StartAsync(nodes.B, "outage");
            var before = await Workload.StartAsync(from, options);
            var after = new Workload(await to.RunAsync(Placeholder.Of(options)));
            var snapshot = await JsonOfAsync(nodes.A, "checkpoint", "--container", before.Container.Id, "--name", from.Name, "--full", "--json");
            var restore = await JsonOfAsync(nodes.B, "restore", "--latest", from.Name, "--into", after.Container.Id, "--json");
            await after.MustTickAsync();

            // Frozen until ended, and then all of the restore but its command line.
            var outage = snapshot.GetProperty("frozenMs").GetDouble() + restore.GetProperty("timings").GetProperty("total").GetDouble();
            outages.Add(outage);
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{mebibytes} MiB: outage {outage:F0} ms; checkpoint {snapshot.GetProperty("timings")}, frozen {snapshot.GetProperty("frozenMs")}; restore {restore.GetProperty("timings")}"));
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{mebibytes} MiB: median outage {outages.Order().ElementAt(Rounds / 2):F0} ms of {Rounds}"));
        Assert.Equal(Rounds, outages.Count);
    }

    private static async Task<JsonElement> JsonOfAsync(ContainerNode node, params string[] arguments) =>
        JsonDocument.Parse((await node.CheckpointerAsync(arguments)).MustSucceed().Stdout).RootElement;
}
