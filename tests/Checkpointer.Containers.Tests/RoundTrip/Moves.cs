using System.Text.Json;

namespace Checkpointer.Containers.Tests;

/// <summary>The two verbs, as the tests use them most.</summary>
internal static class Moves
{
    /// <summary>Checkpoints a container and wants success. It must have ended afterwards, unless it was to run on.</summary>
    /// <returns>What <c>--json</c> said.</returns>
    internal static async Task<JsonElement> CheckpointAsync(this TestContainer container, params string[] more)
    {
        var outcome = await container.Node.CheckpointerAsync(["checkpoint", "--container", container.Id, "--json", .. more]);
        var json = outcome.MustSucceed().Json;
        Assert.True(json.GetProperty("durable").GetBoolean());
        if (!more.Contains("--leave-running"))
        {
            // CRIU ends the tree by SIGKILL; the runtime notices in its own time.
            await container.ExitCodeAsync(Workload.Patience);
        }

        return json;
    }

    /// <summary>Restores a snapshot into a new container of this pod, and wants success.</summary>
    internal static async Task<Workload> RestoreAsync(this TestPod pod, ContainerOptions options, string snapshot, params string[] more)
    {
        var waiting = await pod.RunAsync(Placeholder.Of(options));
        (await pod.Node.CheckpointerAsync(["restore", snapshot, "--into", waiting.Id, "--json", .. more])).MustSucceed();
        return new Workload(waiting);
    }

    internal static string Snapshot(this JsonElement checkpoint) => checkpoint.GetProperty("snapshot").GetString()!;
}
