using System.Globalization;
using System.Text.Json;

namespace Checkpointer.Containers.Tests;

/// <summary>The usual pod with a GPU: one container that computes on it, and one beside it that does not.</summary>
internal sealed class GpuPod : IAsyncDisposable
{
    private GpuPod(TestPod pod, TestContainer gpu, Workload sidecar)
    {
        Pod = pod;
        Gpu = gpu;
        Sidecar = sidecar;
    }

    internal TestPod Pod { get; }

    internal TestContainer Gpu { get; }

    internal Workload Sidecar { get; }

    internal string Name => $"tests/{Pod.Name}";

    /// <summary>Numbers of the steps that the program has made, each of which proved its device memory right.</summary>
    internal IReadOnlyList<long> Steps =>
        [.. Gpu.Log().Select(static l => l.Split(' ')).Where(static w => w is [_, { Length: 16 }]).Select(static w => long.Parse(w[0], CultureInfo.InvariantCulture))];

    internal static async Task<GpuPod> StartAsync(ContainerNode node, string name, bool waiting = false, int? only = null)
    {
        var pod = await TestPod.StartAsync(node, name);
        try
        {
            var (gpu, sidecar) = (SimulatedGpus.Options("gpu", only), ContainerOptions.Workload("memory=4", "threads") with { Name = "sidecar" });
            var started = new GpuPod(pod, await pod.RunAsync(waiting ? Placeholder.Of(gpu) : gpu), new Workload(await pod.RunAsync(waiting ? Placeholder.Of(sidecar) : sidecar)));
            if (!waiting)
            {
                await started.MustGoOnAsync();
            }

            return started;
        }
        catch
        {
            await pod.DisposeAsync();
            throw;
        }
    }

    internal Task<Outcome> CheckpointAsync(params string[] more) => Pod.Node.CheckpointerAsync(["checkpoint", "--pod", Name, "--json", .. more]);

    internal Task<Outcome> RestoreAsync(string snapshot, params string[] more) => Pod.Node.CheckpointerAsync(["restore", snapshot, "--into", Name, "--json", .. more]);

    /// <summary>Checkpoints both, and wants them ended.</summary>
    internal async Task<JsonElement> MustCheckpointAsync()
    {
        var json = (await CheckpointAsync()).MustSucceed().Json;
        await Gpu.ExitCodeAsync(Workload.Patience);
        await Sidecar.Container.ExitCodeAsync(Workload.Patience);
        return json;
    }

    /// <summary>Both make progress, and find nothing wrong.</summary>
    internal async Task MustGoOnAsync()
    {
        var before = Steps.LastOrDefault();
        await Eventually.TrueAsync(
            $"a step after {before} of {Gpu.Name} on {Pod.Node.Name}; its log ends with: {string.Join(" | ", Gpu.Log().TakeLast(5))}", Workload.Patience, () => Steps.LastOrDefault() > before + 1);
        Assert.DoesNotContain(Gpu.Log(), static l => l.StartsWith("WRONG", StringComparison.Ordinal));
        await Sidecar.MustTickAsync();
        await Sidecar.VerifyAsync();
    }

    internal async Task MustWaitAsync()
    {
        await Gpu.MustWaitAsync();
        await Sidecar.Container.MustWaitAsync();
    }

    public ValueTask DisposeAsync() => Pod.DisposeAsync();
}
