namespace Checkpointer.Containers.Tests;

/// <summary>What strikes one container of a pod strikes all, and leaves nothing half.</summary>
public sealed class PodFaultTests(TwoNodes nodes)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_CRIU_that_dies_while_it_dumps_one_container_leaves_both_running()
    {
        await using var pod = await PodOfTwo.StartAsync(nodes.A, "criu");
        nodes.A.HoldNextCriu();
        var run = nodes.A.CheckpointerAsync("checkpoint", "--pod", pod.Name, "--json");
        await nodes.A.KillHeldCriuAsync(run, _ => HeldCriu.IsHeld([.. pod.Both]));
        (await run).MustExit(1);
        await pod.MustBeUnharmedAsync();
        await nodes.A.MustBeCleanAsync();
        await pod.CheckpointAsync();
    }

    [Fact]
    public async Task A_CRIU_that_dies_while_it_restores_one_container_leaves_both_placeholders_waiting()
    {
        var snapshot = await SnapshotAsync();
        await using var pod = await PodOfTwo.WaitingAsync(nodes.B, "criu");
        nodes.B.HoldNextCriu();
        var run = pod.RestoreAsync(snapshot);
        await nodes.B.KillHeldCriuAsync(run, HeldCriu.IsCriu);
        (await run).MustExit(1);
        await pod.MustWaitAsync();
        await nodes.B.MustBeCleanAsync();
        await pod.MustRestoreAsync(snapshot);
    }

    [Fact]
    public async Task A_service_killed_during_a_dump_leaves_both_containers_running()
    {
        await using var pod = await PodOfTwo.StartAsync(nodes.A, "dump");
        nodes.A.HoldNextCriu();
        await nodes.A.KillServiceInDumpAsync(nodes.A.CheckpointerAsync("checkpoint", "--pod", pod.Name, "--json"), [.. pod.Both]);
        await nodes.A.StartServiceAsync();
        await pod.MustBeUnharmedAsync();
        await nodes.A.MustBeCleanAsync();
        await pod.CheckpointAsync();
    }

    [Fact]
    public Task A_service_killed_during_a_commit_leaves_both_running_or_both_restorable() => nodes.A.MustStrikeAsync("commit", async killAsync =>
    {
        await using var pod = await PodOfTwo.StartAsync(nodes.A, "commit");
        await killAsync(nodes.A.CheckpointerAsync("checkpoint", "--pod", pod.Name, "--name", pod.Pod.Name, "--json"));
        await nodes.A.StartServiceAsync();
        await nodes.A.MustBeCleanAsync();
        var alive = pod.Both.Count(static w => Processes.IsAlive(w.Container.HostPid));
        Assert.NotEqual(1, alive);
        if (alive == 2)
        {
            await pod.MustBeUnharmedAsync();
            return;
        }

        await using var to = await PodOfTwo.WaitingAsync(nodes.B, "commit");
        (await nodes.B.CheckpointerAsync("restore", "--latest", pod.Pod.Name, "--into", to.Name, "--json")).MustSucceed();
        await to.MustGoOnAsync();
    });

    [Fact]
    public async Task A_service_killed_during_a_restore_leaves_both_placeholders_waiting()
    {
        var snapshot = await SnapshotAsync();
        await using var pod = await PodOfTwo.WaitingAsync(nodes.B, "restore");
        nodes.B.HoldNextCriu();
        var run = pod.RestoreAsync(snapshot);
        var criu = await nodes.B.HeldCriuAsync(run);
        await nodes.B.KillServiceAsync();
        Signals.TrySend(criu, Signals.Continue);
        (await run).MustExit(6);
        await nodes.B.StartServiceAsync();
        await pod.MustWaitAsync();
        await nodes.B.MustBeCleanAsync();
        await pod.MustRestoreAsync(snapshot);
    }

    [Fact]
    public async Task What_a_pod_lacks_is_told_before_anything_is_touched()
    {
        var snapshot = await SnapshotAsync();
        await using var other = await TestPod.StartAsync(nodes.B, "lacks");
        var waiting = await other.RunAsync(Placeholder.Of(ContainerOptions.Workload()) with { Name = "server" });
        MustSay(await nodes.B.CheckpointerAsync("restore", snapshot, "--into", other.Name, "--json"), "placeholder-missing", "client");
        await waiting.MustWaitAsync();
        MustSay(await nodes.B.CheckpointerAsync("restore", snapshot, "--json"), "pod-snapshot", "--into");
        MustSay(await nodes.A.CheckpointerAsync("checkpoint", "--pod", "tests/no-such-pod", "--json"), "pod-not-found", "tests/no-such-pod");
        await nodes.B.MustBeCleanAsync();
    }

    [Fact]
    public async Task A_unix_connection_between_two_containers_is_refused_and_one_that_has_ended_is_told()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "talk");
        var folder = new BindMount(MatrixRow.FolderOn(nodes.A, pod.Name, "kubernetes.io~empty-dir/shared"), "/shared");
        var server = await Workload.StartAsync(pod, ContainerOptions.Workload("talk=0") with { Name = "server", Mounts = [folder] });
        var client = await Workload.StartAsync(pod, ContainerOptions.Workload("talk=1") with { Name = "client", Mounts = [folder] });
        var ended = await Workload.StartAsync(pod, ContainerOptions.Workload() with { Name = "setup" });
        await ended.Container.StopAsync(Limit);
        await server.MustTickAsync();
        var told = await nodes.A.CheckpointerAsync("checkpoint", "--pod", pod.Name, "--json");
        told.MustExit(3);
        Assert.Contains("unix-between-containers", told.Stdout, StringComparison.Ordinal);
        Assert.Contains("container-ended", told.Stdout, StringComparison.Ordinal);
        await server.MustBeUnharmedAsync();
        await client.MustBeUnharmedAsync();
    }

    private static void MustSay(Outcome outcome, string code, string named)
    {
        Assert.NotEqual(0, outcome.ExitCode);
        Assert.Equal(code, outcome.ErrorCode);
        var error = outcome.Json.GetProperty("error");
        Assert.Contains(named, $"{error.GetProperty("message").GetString()} {error.GetProperty("remedy").GetString()}", StringComparison.Ordinal);
    }

    /// <summary>Of a pod on A that has ended with it.</summary>
    private async Task<string> SnapshotAsync()
    {
        await using var pod = await PodOfTwo.StartAsync(nodes.A, "source");
        return (await pod.CheckpointAsync()).Snapshot();
    }
}
