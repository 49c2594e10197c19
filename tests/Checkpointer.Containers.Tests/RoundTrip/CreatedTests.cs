using System.Text.Json;

namespace Checkpointer.Containers.Tests;

/// <summary>On a node without Kubernetes the snapshot's own record is enough: sandbox and placeholder are made from it.</summary>
public sealed class CreatedTests(TwoNodes nodes)
{
    private const int Code = 17;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_container_is_made_again_from_its_snapshot_alone()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "made");
        var before = await Workload.StartAsync(pod, ContainerOptions.Workload("--code", $"{Code}", "memory=4", "files", "devshm"));
        (await nodes.A.CheckpointerAsync("checkpoint", "--container", $"{pod.Name}/main", "--name", pod.Name)).MustSucceed();

        var restored = (await nodes.B.CheckpointerAsync("restore", "--latest", pod.Name, "--create", "--json")).MustSucceed();
        var id = JsonDocument.Parse(restored.Stdout).RootElement.GetProperty("container").GetString()!;
        var log = JsonDocument.Parse(restored.Stdout).RootElement.GetProperty("log").GetString()!;
        await using var made = await TestPod.OfContainerAsync(nodes.B, id);
        var after = new Workload(await TestContainer.OfAsync(made, id, "main", nodes.B.RootFolder + log));
        await after.MustTickAsync();
        await after.VerifyAsync();
        Workload.MustHaveTickedWithoutGap(before, after);
        await after.Container.StopAsync(Limit);
        Assert.Equal(Code, await after.Container.ExitCodeAsync(Limit));
    }

    [Fact]
    public async Task A_restore_that_is_refused_leaves_no_container_that_was_made()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "refused");
        var workload = await Workload.StartAsync(pod, ContainerOptions.Workload("memory=1"));
        (await nodes.A.CheckpointerAsync("checkpoint", "--container", workload.Container.Id, "--name", pod.Name)).MustSucceed();
        var before = await ContainersAsync();

        // Not even the least of buffers: refused after the placeholder was made.
        (await nodes.B.CheckpointerAsync("restore", "--latest", pod.Name, "--create", "--memory", "1M")).MustExit(2);
        Assert.Equal(before, await ContainersAsync());
    }

    /// <summary>As of a pod that kubelet made on a node of its own: of the sources of its mounts the other node has none.</summary>
    [Fact]
    public async Task What_kubelet_made_for_a_pod_is_made_anew_and_what_a_cluster_gave_it_is_told()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "kubelet");

        // Below /run every node has its own.
        var home = $"/run/kubelet/pods/{pod.Name}";
        var (cache, token) = ($"{home}/volumes/kubernetes.io~empty-dir/cache", $"{home}/volumes/kubernetes.io~projected/token");
        (await nodes.A.RunAsync(["bash", "-c", $"mkdir -p {cache} {token}; echo secret >{token}/token; touch {home}/hosts {home}/log; echo kept >{cache}/kept"])).MustSucceed();
        var before = await Workload.StartAsync(pod, ContainerOptions.Workload("memory=1", "bind=/cache") with
        {
            Mounts =
            [
                new BindMount(cache, "/cache"), new BindMount($"{home}/hosts", "/etc/hosts"), new BindMount($"{home}/log", "/dev/termination-log"),
                new BindMount(token, "/var/run/secrets/token", ReadOnly: true),
            ],
        });
        var snapshot = (await before.Container.CheckpointAsync()).Snapshot();

        var others = MadeFor(nodes.B);
        var refused = await nodes.B.CheckpointerAsync("restore", snapshot, "--create", "--json");
        refused.MustExit(3);
        Assert.Contains("volume-missing", refused.Stdout, StringComparison.Ordinal);
        Assert.Contains("/var/run/secrets/token", refused.Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain("mount-missing", refused.Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain("/cache", refused.Stdout, StringComparison.Ordinal);
        Assert.Equal(others, MadeFor(nodes.B));

        var restored = (await nodes.B.CheckpointerAsync("restore", snapshot, "--create", "--json", "--force")).MustSucceed().Json;
        var id = restored.GetProperty("container").GetString()!;
        string directory;
        await using (var made = await TestPod.OfContainerAsync(nodes.B, id))
        {
            var after = new Workload(await TestContainer.OfAsync(made, id, "main", nodes.B.RootFolder + restored.GetProperty("log").GetString()));
            await after.MustTickAsync();
            await after.VerifyAsync();
            Workload.MustHaveTickedWithoutGap(before, after);
            var root = $"/proc/{after.Container.HostPid}/root";
            Assert.Equal("kept\n", await File.ReadAllTextAsync(root + "/cache/kept", TestContext.Current.CancellationToken));
            Assert.Empty(Directory.GetFileSystemEntries(root + "/var/run/secrets/token"));
            directory = Assert.Single(MadeFor(nodes.B).Except(others));

            // What was made is a pod's own again: it travels with the next snapshot, too.
            var next = (await nodes.B.CheckpointerAsync("checkpoint", "--container", id, "--leave-running", "--json")).MustSucceed().Json;
            Assert.DoesNotContain("/cache", next.GetProperty("findings").ToString(), StringComparison.Ordinal);
        }

        // The pod was removed by somebody else: the next start clears its directories away.
        Directory.SetLastWriteTimeUtc(directory, DateTime.UtcNow.AddHours(-2));
        await nodes.B.KillServiceAsync();
        await nodes.B.StartServiceAsync();
        Assert.DoesNotContain(directory, MadeFor(nodes.B));
    }

    private static string[] MadeFor(ContainerNode node) =>
        Path.Combine(node.Home, "state", "pods") is var all && Directory.Exists(all) ? [.. Directory.GetDirectories(all).Order(StringComparer.Ordinal)] : [];

    private async Task<string> ContainersAsync() => (await nodes.B.RunAsync(["ctr", "-n", "k8s.io", "containers", "list", "-q"])).MustSucceed().Stdout;
}
