namespace Checkpointer.Containers.Tests;

/// <summary>A container with GPUs and one without are one snapshot, go on together on other GPUs, and nothing is left half.</summary>
public sealed class GpuPodTests(TwoNodes nodes)
{
    /// <summary>Long enough to strike in the middle of a driver's call, and short for a worker that carries it to its end.</summary>
    private const string SlowCall = "before delay 12000";

    [Fact]
    public async Task A_pod_with_a_gpu_goes_on_on_the_gpus_of_another_node()
    {
        await nodes.NeedToolsAsync();
        await using var here = await SimulatedGpus.StartAsync(nodes.A);
        await using var there = await SimulatedGpus.StartAsync(nodes.B);
        await using var from = await GpuPod.StartAsync(nodes.A, "gpu");
        var snapshot = await from.MustCheckpointAsync();
        Assert.True(snapshot.GetProperty("gpu").GetProperty("suspend").GetProperty("total").GetDouble() > 0);
        Assert.Equal(("0", "0"), (await here.ControlAsync("used 0"), await here.ControlAsync("used 1")));

        await using var to = await GpuPod.StartAsync(nodes.B, "gpu", waiting: true);
        var restored = (await to.RestoreAsync(snapshot.Snapshot())).MustSucceed().Json;
        Assert.True(restored.GetProperty("gpu").GetProperty("resume").GetProperty("driver").GetDouble() > 0);
        await to.MustGoOnAsync();
        Assert.Equal(("4194304", "4194304"), (await there.ControlAsync("used 0"), await there.ControlAsync("used 1")));
        Assert.Equal(Enumerable.Range(1, from.Steps.Count + to.Steps.Count).Select(static n => (long)n), [.. from.Steps, .. to.Steps]);
        Workload.MustHaveTickedWithoutGap(from.Sidecar, to.Sidecar);
        await nodes.A.MustBeCleanAsync();
        await nodes.B.MustBeCleanAsync();
    }

    [Fact]
    public async Task A_container_goes_on_on_the_gpu_that_the_new_one_was_given()
    {
        await nodes.NeedToolsAsync();
        await using var here = await SimulatedGpus.StartAsync(nodes.A);
        await using var from = await GpuPod.StartAsync(nodes.A, "first", only: 0);
        Assert.Equal(("4194304", "0"), (await here.ControlAsync("used 0"), await here.ControlAsync("used 1")));
        var snapshot = (await from.MustCheckpointAsync()).Snapshot();

        // The same GPU is here and free, and it is not this container's.
        await using var to = await GpuPod.StartAsync(nodes.A, "second", waiting: true, only: 1);
        (await to.RestoreAsync(snapshot)).MustSucceed();
        await to.MustGoOnAsync();
        Assert.Equal(("0", "4194304"), (await here.ControlAsync("used 0"), await here.ControlAsync("used 1")));
    }

    [Fact]
    public async Task A_pod_with_a_gpu_runs_on_after_its_snapshot_and_after_a_failed_one()
    {
        await nodes.NeedToolsAsync();
        await using var gpus = await SimulatedGpus.StartAsync(nodes.A);
        await using var pod = await GpuPod.StartAsync(nodes.A, "stays");
        await gpus.ControlAsync("fault checkpoint before error 999");
        var failed = await pod.CheckpointAsync();
        failed.MustExit(1);
        Assert.Equal("gpu-checkpoint-failed", failed.ErrorCode);
        Assert.Contains("of container gpu", failed.Json.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        await pod.MustGoOnAsync();
        (await pod.CheckpointAsync("--leave-running")).MustSucceed();
        await pod.MustGoOnAsync();
        await pod.Sidecar.MustBeUnharmedAsync();
        await nodes.A.MustBeCleanAsync();
    }

    [Fact]
    public async Task A_restore_that_cannot_give_back_a_gpu_leaves_both_placeholders_waiting()
    {
        await nodes.NeedToolsAsync();
        await using var here = await SimulatedGpus.StartAsync(nodes.A);
        await using var there = await SimulatedGpus.StartAsync(nodes.B);
        var snapshot = await SnapshotAsync();
        await using var pod = await GpuPod.StartAsync(nodes.B, "refused", waiting: true);
        await there.ControlAsync("fault restore before error 999");
        var failed = await pod.RestoreAsync(snapshot);
        failed.MustExit(1);
        Assert.Equal("gpu-restore-failed", failed.ErrorCode);
        await pod.MustWaitAsync();
        await nodes.B.MustBeCleanAsync();
        (await pod.RestoreAsync(snapshot)).MustSucceed();
        await pod.MustGoOnAsync();
    }

    [Theory]
    [InlineData("lock")]
    [InlineData("checkpoint")]
    public async Task A_service_killed_in_a_call_to_the_driver_leaves_both_running(string verb)
    {
        await nodes.NeedToolsAsync();
        await using var gpus = await SimulatedGpus.StartAsync(nodes.A);
        await using var pod = await GpuPod.StartAsync(nodes.A, "killed");
        await gpus.ControlAsync($"fault {verb} {SlowCall}");
        var run = pod.CheckpointAsync();
        await gpus.MustBeAskedAsync(verb, run);
        await nodes.A.KillServiceAsync();
        (await run).MustExit(6);
        await nodes.A.StartServiceAsync();
        await pod.MustGoOnAsync();
        await nodes.A.MustBeCleanAsync();
        await pod.MustCheckpointAsync();
    }

    [Theory]
    [InlineData("restore")]
    [InlineData("unlock")]
    public async Task A_service_killed_while_it_gives_back_the_gpus_finds_both_and_finishes_it(string verb)
    {
        await nodes.NeedToolsAsync();
        await using var here = await SimulatedGpus.StartAsync(nodes.A);
        await using var there = await SimulatedGpus.StartAsync(nodes.B);
        var snapshot = await SnapshotAsync();
        await using var pod = await GpuPod.StartAsync(nodes.B, "adopted", waiting: true);
        await there.ControlAsync($"fault {verb} {SlowCall}");
        var run = pod.RestoreAsync(snapshot);
        await there.MustBeAskedAsync(verb, run);
        await nodes.B.KillServiceAsync();
        (await run).MustExit(6);
        await nodes.B.StartServiceAsync();
        await pod.MustGoOnAsync();
        Assert.Equal(("4194304", "4194304"), (await there.ControlAsync("used 0"), await there.ControlAsync("used 1")));
        await nodes.B.MustBeCleanAsync();
    }

    /// <summary>Of a pod on A that has ended with it.</summary>
    private async Task<string> SnapshotAsync()
    {
        await using var pod = await GpuPod.StartAsync(nodes.A, "source");
        return (await pod.MustCheckpointAsync()).Snapshot();
    }
}
