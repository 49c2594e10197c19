using System.Globalization;

namespace Checkpointer.Containers.Tests;

/// <summary>Containers that share a pid namespace (<c>shareProcessNamespace</c>): each goes on with its own pids, in its placeholder's namespace.</summary>
public sealed class SharedPidTests(TwoNodes nodes)
{
    private const int Code = 42;
    private const string Finding = "pid-namespace-shared";
    private static readonly string[] Checks = ["--code", $"{Code}", "memory=8", "threads", "forks", "shm", "tcp", "files"];
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_container_keeps_its_pids_over_generations_and_its_exit_code()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "pids", sharePids: true);
        await Workload.StartAsync(pod, ContainerOptions.Workload("memory=1") with { Name = "other" });
        var options = ContainerOptions.Workload(Checks);
        var first = await Workload.StartAsync(pod, options);
        var pids = PidsOf(first.Container.HostPid);
        Assert.True(pids[0] > 1);
        var refused = await nodes.A.CheckpointerAsync("checkpoint", "--container", first.Container.Id, "--json");
        refused.MustExit(3);
        Assert.Contains(Finding, refused.Stdout, StringComparison.Ordinal);
        await first.MustBeUnharmedAsync();
        var snapshot = (await first.Container.CheckpointAsync("--force")).Snapshot();

        await using var to = await TestPod.StartAsync(nodes.B, "pids");
        var second = await to.RestoreAsync(options, snapshot);
        await second.VerifyAsync();
        Assert.Equal(pids, [.. PidsOf(second.Container.HostPid).Skip(1)]);

        // It shares its namespace with nobody but the placeholder any more: nothing is to be forced.
        await using var back = await TestPod.StartAsync(nodes.A, "pids");
        var third = await back.RestoreAsync(options, (await second.Container.CheckpointAsync()).Snapshot());
        await third.VerifyAsync();
        Assert.Equal(pids, [.. PidsOf(third.Container.HostPid).Skip(1)]);
        Workload.MustHaveTickedWithoutGap(first, second, third);
        await third.Container.StopAsync(Limit);
        Assert.Equal(Code, await third.Container.ExitCodeAsync(Limit));
        await nodes.A.MustBeCleanAsync();
        await nodes.B.MustBeCleanAsync();
    }

    [Fact]
    public async Task A_whole_pod_goes_on_over_generations()
    {
        await using var first = await PodOfTwo.StartAsync(nodes.A, "pids", sharePids: true);
        var refused = await nodes.A.CheckpointerAsync("checkpoint", "--pod", first.Name, "--json");
        refused.MustExit(3);
        Assert.Contains(Finding, refused.Stdout, StringComparison.Ordinal);
        await using var second = await PodOfTwo.WaitingAsync(nodes.B, "pids");
        await second.MustRestoreAsync((await first.CheckpointAsync("--force")).Snapshot());
        await using var third = await PodOfTwo.WaitingAsync(nodes.A, "pids");
        await third.MustRestoreAsync((await second.CheckpointAsync()).Snapshot());
        PodOfTwo.MustHaveTickedWithoutGap(first, second, third);
        await third.Client.Container.StopAsync(Limit);
        Assert.Equal(PodOfTwo.ClientCode, await third.Client.Container.ExitCodeAsync(Limit));
        await nodes.A.MustBeCleanAsync();
        await nodes.B.MustBeCleanAsync();
    }

    [Fact]
    public async Task A_restore_that_fails_leaves_a_placeholder_that_waits()
    {
        var options = ContainerOptions.Workload(Checks);
        await using var pod = await TestPod.StartAsync(nodes.A, "pids", sharePids: true);
        var workload = await Workload.StartAsync(pod, options);
        var snapshot = (await workload.Container.CheckpointAsync("--force")).Snapshot();

        await using var to = await TestPod.StartAsync(nodes.B, "pids");
        var waiting = await to.RunAsync(Placeholder.Of(options));
        nodes.B.HoldNextCriu();
        var run = nodes.B.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json");
        await nodes.B.KillHeldCriuAsync(run, HeldCriu.IsCriu);
        (await run).MustExit(1);
        await waiting.MustWaitAsync();
        await nodes.B.MustBeCleanAsync();
        (await nodes.B.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json")).MustSucceed();
        await new Workload(waiting).VerifyAsync();
    }

    [Fact]
    public async Task A_process_whose_parent_has_ended_is_told_and_not_lost_in_silence()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "pids", sharePids: true);
        var workload = await Workload.StartAsync(pod, ContainerOptions.Workload("orphan"));
        var told = await nodes.A.CheckpointerAsync("checkpoint", "--container", workload.Container.Id, "--json");
        told.MustExit(3);
        Assert.Contains("process-outside-tree", told.Stdout, StringComparison.Ordinal);
        await workload.MustBeUnharmedAsync();
    }

    [Fact]
    public async Task A_placeholder_in_a_pod_with_shared_pids_says_what_is_wrong_and_ends()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "pids", sharePids: true);
        var waiting = await pod.RunAsync(Placeholder.Of(ContainerOptions.Workload()));
        Assert.NotEqual(0, await waiting.ExitCodeAsync(Limit));
        await waiting.MustSayAsync("shareProcessNamespace");
    }

    /// <summary>Of a process and its descendants, each as the process sees itself.</summary>
    private static List<int> PidsOf(int hostPid) => [.. Processes.TreeOf(hostPid)
        .Select(static pid => File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/status")).First(static line => line.StartsWith("NSpid:", StringComparison.Ordinal)))
        .Select(static line => int.Parse(line.Split('\t')[^1], CultureInfo.InvariantCulture))
        .Order()];
}
