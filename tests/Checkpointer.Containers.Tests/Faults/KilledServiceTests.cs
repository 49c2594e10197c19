namespace Checkpointer.Containers.Tests;

/// <summary>The node service is killed while it works on a container, and started again: nothing is lost and nothing half done stays.</summary>
public sealed class KilledServiceTests(TwoNodes nodes)
{
    private static readonly string[] Checks = ["memory=64", "threads", "forks", "shm", "listen=7300", "tcp", "files", "identity"];

    [Fact]
    public async Task A_service_killed_during_a_dump_leaves_the_container_running()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "dump");
        var workload = await Workload.StartAsync(pod, ContainerOptions.Workload(Checks));
        nodes.A.HoldNextCriu();
        await nodes.A.KillServiceInDumpAsync(nodes.A.CheckpointerAsync("checkpoint", "--container", workload.Container.Id, "--json"), workload);
        await nodes.A.StartServiceAsync();

        await workload.MustBeUnharmedAsync();
        await nodes.A.MustBeCleanAsync();
        await MustMoveAsync(workload, ContainerOptions.Workload(Checks), (await workload.Container.CheckpointAsync()).Snapshot());
    }

    [Fact]
    public Task A_service_killed_during_a_commit_leaves_the_container_running_or_restorable() => nodes.A.MustStrikeAsync("commit", async killAsync =>
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "commit");
        var workload = await Workload.StartAsync(pod, ContainerOptions.Workload(Checks));
        await killAsync(nodes.A.CheckpointerAsync("checkpoint", "--container", workload.Container.Id, "--name", pod.Name, "--json"));
        await nodes.A.StartServiceAsync();
        await nodes.A.MustBeCleanAsync();

        if (Processes.IsAlive(workload.Container.HostPid))
        {
            await workload.MustBeUnharmedAsync();
            return;
        }

        await using var to = await TestPod.StartAsync(nodes.B, "commit");
        var waiting = await to.RunAsync(Placeholder.Of(ContainerOptions.Workload(Checks)));
        (await nodes.B.CheckpointerAsync("restore", "--latest", pod.Name, "--into", waiting.Id, "--json")).MustSucceed();
        await new Workload(waiting).VerifyAsync();
    });

    [Fact]
    public async Task A_service_killed_during_a_restore_leaves_a_placeholder_that_waits()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "restore");
        var options = ContainerOptions.Workload(Checks);
        var workload = await Workload.StartAsync(pod, options);
        var snapshot = (await workload.Container.CheckpointAsync()).Snapshot();

        await using var to = await TestPod.StartAsync(nodes.B, "restore");
        var waiting = await to.RunAsync(Placeholder.Of(options));
        nodes.B.HoldNextCriu();
        var run = nodes.B.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json");
        var criu = await nodes.B.HeldCriuAsync(run);
        await nodes.B.KillServiceAsync();
        Signals.TrySend(criu, Signals.Continue);
        (await run).MustExit(6);
        await nodes.B.StartServiceAsync();

        await waiting.MustWaitAsync();
        await nodes.B.MustBeCleanAsync();
        (await nodes.B.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json")).MustSucceed();
        await new Workload(waiting).VerifyAsync();
        Workload.MustHaveTickedWithoutGap(workload, new Workload(waiting));
    }

    [Fact]
    public async Task A_restored_container_outlives_its_service_and_is_checkpointed_by_the_next_one()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "after");
        var options = ContainerOptions.Workload("memory=8", "forks");
        var workload = await Workload.StartAsync(pod, options);
        var snapshot = (await workload.Container.CheckpointAsync()).Snapshot();
        await using var to = await TestPod.StartAsync(nodes.B, "after");
        var restored = await to.RestoreAsync(options, snapshot);

        await nodes.B.KillServiceAsync();
        await restored.MustTickAsync();
        await nodes.B.StartServiceAsync();

        await restored.MustBeUnharmedAsync();
        await MustMoveAsync(restored, options, (await restored.Container.CheckpointAsync()).Snapshot());
    }

    private async Task MustMoveAsync(Workload before, ContainerOptions options, string snapshot)
    {
        await using var to = await TestPod.StartAsync(nodes.B, "moved");
        var after = await to.RestoreAsync(options, snapshot);
        await after.VerifyAsync();
        Assert.NotEqual(0, before.Ticks[^1]);
        Assert.Equal(before.Ticks[^1] + 1, after.Ticks[0]);
    }
}
