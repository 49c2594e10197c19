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

    private async Task<string> ContainersAsync() => (await nodes.B.RunAsync(["ctr", "-n", "k8s.io", "containers", "list", "-q"])).MustSucceed().Stdout;
}
