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
        await DieWhileHeldAsync(nodes.A.CheckpointerAsync("checkpoint", "--container", workload.Container.Id, "--json"), workload);
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
        await DieWhileHeldAsync(nodes.A.CheckpointerAsync("checkpoint", "--pod", pod.Name, "--json"), [.. pod.Both]);
        await pod.MustBeUnharmedAsync();
        await nodes.A.StartServiceAsync();
        await nodes.A.MustBeCleanAsync();
        await pod.MustBeUnharmedAsync();
        await pod.CheckpointAsync();
    }

    [Fact]
    public async Task A_pod_whose_snapshot_is_being_committed_goes_on_or_ends()
    {
        await using var pod = await PodOfTwo.StartAsync(nodes.A, "dead");
        var run = nodes.A.CheckpointerAsync("checkpoint", "--pod", pod.Name, "--json");
        await nodes.A.MustReachAsync("commit", run);
        await nodes.A.KillServiceAsync();
        await run;
        var ticked = pod.Both.Select(static w => w.Ticks.LastOrDefault()).ToList();
        await Eventually.TrueAsync(
            "both to go on or to end",
            Limit,
            () => pod.Both.All(static w => !Processes.IsAlive(w.Container.HostPid)) || pod.Both.Select(static w => w.Ticks.LastOrDefault()).Zip(ticked).All(static t => t.First > t.Second));
        await nodes.A.StartServiceAsync();
        await nodes.A.MustBeCleanAsync();
    }

    /// <summary>
    /// The service stands still from the moment on at which CRIU is there: CRIU begins and cannot end. When it holds the first container
    /// the service is killed.
    /// </summary>
    private async Task DieWhileHeldAsync(Task<Outcome> run, params Workload[] workloads)
    {
        var criu = await nodes.A.HoldCriuAsync(run);
        Signals.Send(nodes.A.ServicePid, Signals.Stop);
        Signals.Send(criu, Signals.Continue);
        await Eventually.TrueAsync("CRIU to hold a container", Limit, () => workloads.Any(static w => Processes.TracerOf(w.Container.HostPid) != 0));
        await nodes.A.KillServiceAsync();
        (await run).MustExit(6);
    }
}
