using System.Text.Json;

namespace Checkpointer.Containers.Tests;

/// <summary>
/// A pod of two containers that have all in common that containers can have: numbers go forth and back between them over loopback, both count in one segment
/// of /dev/shm, and each holds a file of one emptyDir open. Each checks itself, and notices when the other is not where it was.
/// </summary>
internal sealed class PodOfTwo : IAsyncDisposable
{
    internal const int ServerCode = 42;
    internal const int ClientCode = 17;
    private const string Volume = "kubernetes.io~empty-dir/shared";

    private PodOfTwo(TestPod pod, Workload server, Workload client)
    {
        Pod = pod;
        Server = server;
        Client = client;
    }

    internal TestPod Pod { get; }

    internal Workload Server { get; }

    internal Workload Client { get; }

    internal IReadOnlyList<Workload> Both => [Server, Client];

    /// <summary>As kubelet names it.</summary>
    internal string Name => $"tests/{Pod.Name}";

    /// <summary>Starts both; they speak to each other already.</summary>
    internal static Task<PodOfTwo> StartAsync(ContainerNode node, string name, params string[] more) => StartAsync(node, name, sharePids: false, ofNode: false, more);

    /// <summary>The same, with one pid namespace for both, or the node's network, where wanted.</summary>
    internal static async Task<PodOfTwo> StartAsync(ContainerNode node, string name, bool sharePids, bool ofNode = false, params string[] more)
    {
        var pod = await TestPod.StartAsync(node, name, sharePids, ofNode);
        try
        {
            var server = await Workload.StartAsync(pod, ServerOn(node, pod, more));
            var client = await Workload.StartAsync(pod, ClientOn(node, pod, more));
            return new PodOfTwo(pod, server, client);
        }
        catch
        {
            await pod.DisposeAsync();
            throw;
        }
    }

    /// <summary>The same, in which both wait for a restore.</summary>
    internal static async Task<PodOfTwo> WaitingAsync(ContainerNode node, string name, bool ofNode = false)
    {
        var pod = await TestPod.StartAsync(node, name, ofNode: ofNode);
        try
        {
            return new PodOfTwo(
                pod,
                new Workload(await pod.RunAsync(Placeholder.Of(ServerOn(node, pod)))),
                new Workload(await pod.RunAsync(Placeholder.Of(ClientOn(node, pod)))));
        }
        catch
        {
            await pod.DisposeAsync();
            throw;
        }
    }

    /// <summary>Both, after they were made by somebody else.</summary>
    internal static async Task<PodOfTwo> MadeAsync(ContainerNode node, JsonElement restored)
    {
        var members = restored.GetProperty("members").EnumerateArray().ToDictionary(static m => m.GetProperty("name").GetString()!);
        var pod = await TestPod.OfContainerAsync(node, IdOf(members["server"]));
        return new PodOfTwo(pod, await OfAsync(members["server"]), await OfAsync(members["client"]));

        async Task<Workload> OfAsync(JsonElement member) => new(await TestContainer.OfAsync(
            pod, IdOf(member), member.GetProperty("name").GetString()!, node.RootFolder + member.GetProperty("log").GetString()));
    }

    /// <summary>Checkpoints both together and wants success.</summary>
    /// <returns>What <c>--json</c> said.</returns>
    internal async Task<JsonElement> CheckpointAsync(params string[] more)
    {
        var json = (await Pod.Node.CheckpointerAsync(["checkpoint", "--pod", Name, "--json", .. more])).MustSucceed().Json;
        Assert.True(json.GetProperty("durable").GetBoolean());
        Assert.Equal(["client", "server"], json.GetProperty("members").EnumerateArray().Select(static m => m.GetProperty("name").GetString()));
        if (!more.Contains("--leave-running"))
        {
            await Server.Container.ExitCodeAsync(Workload.Patience);
            await Client.Container.ExitCodeAsync(Workload.Patience);
        }

        return json;
    }

    internal Task<Outcome> RestoreAsync(string snapshot) => Pod.Node.CheckpointerAsync("restore", snapshot, "--into", Name, "--json");

    /// <summary>Restores into it and wants success; both run and are right.</summary>
    internal async Task<JsonElement> MustRestoreAsync(string snapshot)
    {
        var json = (await RestoreAsync(snapshot)).MustSucceed().Json;
        Assert.Equal(["client", "server"], json.GetProperty("members").EnumerateArray().Select(static m => m.GetProperty("name").GetString()));
        await MustGoOnAsync();
        return json;
    }

    /// <summary>Both tick and find everything as it was. One after the other: who verifies waits for the other.</summary>
    internal async Task MustGoOnAsync()
    {
        await Server.MustTickAsync();
        await Client.MustTickAsync();
        await Server.VerifyAsync();
        await Client.VerifyAsync();
    }

    /// <summary>Both are as if nothing had happened, and nothing of an operation is left in them.</summary>
    internal async Task MustBeUnharmedAsync()
    {
        await Server.MustBeUnharmedAsync();
        await Client.MustBeUnharmedAsync();
    }

    internal async Task MustWaitAsync()
    {
        await Server.Container.MustWaitAsync();
        await Client.Container.MustWaitAsync();
    }

    internal static void MustHaveTickedWithoutGap(params PodOfTwo[] generations)
    {
        Workload.MustHaveTickedWithoutGap([.. generations.Select(static g => g.Server)]);
        Workload.MustHaveTickedWithoutGap([.. generations.Select(static g => g.Client)]);
    }

    public ValueTask DisposeAsync() => Pod.DisposeAsync();

    private static ContainerOptions ServerOn(ContainerNode node, TestPod pod, params string[] more) =>
        On(node, pod, "server", ["--code", $"{ServerCode}", "memory=8", "serve=7400", "between=0", "shared=0", "files", .. more]);

    private static ContainerOptions ClientOn(ContainerNode node, TestPod pod, params string[] more) =>
        On(node, pod, "client", ["--code", $"{ClientCode}", "memory=4", "join=7400", "between=1", "shared=1", "threads", .. more]);

    private static ContainerOptions On(ContainerNode node, TestPod pod, string name, string[] checks) => ContainerOptions.Workload(checks) with
    {
        Name = name,
        Mounts = [new BindMount(MatrixRow.FolderOn(node, pod.Name, Volume), "/shared")],
    };

    private static string IdOf(JsonElement member) => member.GetProperty("container").GetString()!;
}
