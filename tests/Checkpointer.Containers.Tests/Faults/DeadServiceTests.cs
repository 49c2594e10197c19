namespace Checkpointer.Containers.Tests;

/// <summary>The node service dies while containers stand still, and nobody starts it again: they go on all the same.</summary>
public sealed class DeadServiceTests(TwoNodes nodes)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);
    private static readonly string[] Checks = ["memory=64", "threads", "forks", "shm", "tcp", "files"];

    [Fact]
    public async Task A_container_that_CRIU_holds_goes_on()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "dead");
        var workload = await Workload.StartAsync(pod, ContainerOptions.Workload(Checks));
        nodes.A.HoldNextCriu();
        await nodes.A.KillServiceInDumpAsync(nodes.A.CheckpointerAsync("checkpoint", "--container", workload.Container.Id, "--json"), workload);
        await workload.MustBeUnharmedAsync();
        await nodes.A.StartServiceAsync();
        await nodes.A.MustBeCleanAsync();
        await workload.MustBeUnharmedAsync();
        await workload.Container.CheckpointAsync();
    }

    [Fact]
    public async Task A_pod_that_is_frozen_goes_on()
    {
        await using var pod = await PodOfTwo.StartAsync(nodes.A, "dead");
        nodes.A.HoldNextCriu();
        await nodes.A.KillServiceInDumpAsync(nodes.A.CheckpointerAsync("checkpoint", "--pod", pod.Name, "--json"), [.. pod.Both]);
        await pod.MustBeUnharmedAsync();
        await nodes.A.StartServiceAsync();
        await nodes.A.MustBeCleanAsync();
        await pod.MustBeUnharmedAsync();
        await pod.CheckpointAsync();
    }

    [Fact]
    public Task A_pod_whose_snapshot_is_being_committed_goes_on_or_ends() => nodes.A.MustStrikeAsync("commit", async killAsync =>
    {
        await using var pod = await PodOfTwo.StartAsync(nodes.A, "dead");
        await killAsync(nodes.A.CheckpointerAsync("checkpoint", "--pod", pod.Name, "--json"));
        var ticked = pod.Both.Select(static w => w.Ticks.LastOrDefault()).ToList();
        await Eventually.TrueAsync(
            "both to go on or to end",
            Limit,
            () => pod.Both.All(static w => !Processes.IsAlive(w.Container.HostPid)) || pod.Both.Select(static w => w.Ticks.LastOrDefault()).Zip(ticked).All(static t => t.First > t.Second));
        await nodes.A.StartServiceAsync();
        await nodes.A.MustBeCleanAsync();
    });
}
