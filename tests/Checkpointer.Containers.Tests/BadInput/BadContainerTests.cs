namespace Checkpointer.Containers.Tests;

/// <summary>What is asked for wrongly is answered with one clear line and how to mend it, and nothing is touched.</summary>
public sealed class BadContainerTests(TwoNodes nodes)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_container_that_nobody_knows() =>
        MustSay(await nodes.A.CheckpointerAsync("checkpoint", "--container", "no-such-container", "--json"), "container-not-found");

    [Fact]
    public async Task A_name_that_several_containers_have()
    {
        await using var first = await TestPod.StartAsync(nodes.A, "one");
        await using var second = await TestPod.StartAsync(nodes.A, "two");
        var options = ContainerOptions.Workload("memory=1") with { Name = "twin" };
        await first.RunAsync(options);
        await second.RunAsync(options);
        var outcome = await nodes.A.CheckpointerAsync("checkpoint", "--container", "twin", "--json");
        MustSay(outcome, "container-ambiguous");
        Assert.Contains(first.Name, outcome.Stdout, StringComparison.Ordinal);
        Assert.Contains(second.Name, outcome.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_container_that_has_ended()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "ended");
        var workload = await Workload.StartAsync(pod, ContainerOptions.Workload("memory=1"));
        await workload.Container.StopAsync(Limit);
        MustSay(await nodes.A.CheckpointerAsync("checkpoint", "--container", workload.Container.Id, "--json"), "container-not-running");
    }

    [Fact]
    public async Task A_runtime_that_does_not_answer()
    {
        await nodes.B.KillContainerdAsync();
        try
        {
            MustSay(await nodes.B.CheckpointerAsync("checkpoint", "--container", "any-container", "--json"), "runtime-unreachable");
        }
        finally
        {
            await nodes.B.StartContainerdAsync();
        }
    }

    /// <summary>Nothing, a file, a socket whose owner is dead, and two that speak something else: the service's own, and that of a shim.</summary>
    [Fact]
    public async Task A_place_where_no_runtime_is()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "endpoint");
        const string Dead = "import socket; s = socket.socket(socket.AF_UNIX); s.bind('/run/dead.sock')";
        (await nodes.A.RunAsync(["python3", "-c", Dead])).MustSucceed();
        var shim = (await nodes.A.RunAsync(["bash", "-c", "ls /run/containerd/s/* | head -n 1"])).MustSucceed().Stdout.Trim();
        foreach (var place in (string[])["containerd.sock", "/run/none.sock", "/etc/passwd", "/run", "/run/dead.sock", "/run/checkpointer/checkpointer.sock", shim])
        {
            foreach (var command in (string[][])[["containers"], ["checkpoint", "--container", "any", "--embedded"]])
            {
                var outcome = await nodes.A.CheckpointerAsync([.. command, "--runtime-endpoint", place, "--json"]);
                MustSay(outcome, "runtime-endpoint");
                Assert.Contains(place, outcome.Stdout, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task A_container_that_is_no_placeholder()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "plain");
        var workload = await Workload.StartAsync(pod, ContainerOptions.Workload("memory=1"));
        var snapshot = (await workload.Container.CheckpointAsync("--leave-running")).Snapshot();
        MustSay(await nodes.A.CheckpointerAsync("restore", snapshot, "--into", workload.Container.Id, "--json"), "not-a-placeholder");
        await workload.MustBeUnharmedAsync();
    }

    [Fact]
    public async Task A_placeholder_without_a_mount_that_the_snapshot_needs()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "mounts");
        var options = ContainerOptions.Workload("memory=1");
        var folder = MatrixRow.FolderOn(nodes.A, pod.Name, "volume");
        var workload = await Workload.StartAsync(pod, options with { Mounts = [new BindMount(folder, "/volume")] });
        var snapshot = (await workload.Container.CheckpointAsync()).Snapshot();
        var waiting = await pod.RunAsync(Placeholder.Of(options) with { Name = "waits" });
        var outcome = await nodes.A.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json");
        MustRefuse(outcome, "mount-missing");
        Assert.Contains("/volume", outcome.Stdout, StringComparison.Ordinal);
        await waiting.MustWaitAsync();
    }

    [Fact]
    public async Task A_placeholder_of_another_image()
    {
        await nodes.NeedToolsAsync();
        await using var pod = await TestPod.StartAsync(nodes.A, "image");
        var workload = await Workload.StartAsync(pod, ContainerOptions.Workload("memory=1"));
        var snapshot = (await workload.Container.CheckpointAsync()).Snapshot();
        var waiting = await pod.RunAsync(Placeholder.Of(ContainerOptions.Workload()) with { Name = "waits", Image = ContainerOptions.ToolsImage });
        var outcome = await nodes.A.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json");
        MustRefuse(outcome, "image-differs");
        await waiting.MustWaitAsync();
    }

    private static void MustSay(Outcome outcome, string code)
    {
        outcome.MustExit(code is "runtime-unreachable" ? 5 : 2);
        Assert.Equal(code, outcome.ErrorCode);
        var error = outcome.Json.GetProperty("error");
        Assert.DoesNotContain('\n', error.GetProperty("message").GetString()!);
        Assert.False(string.IsNullOrWhiteSpace(error.GetProperty("remedy").GetString()), $"no remedy: {outcome}");
        MustBeShort(outcome);
    }

    /// <summary>The finding says it all: what was found, what is needed, what to do.</summary>
    private static void MustRefuse(Outcome outcome, string code)
    {
        outcome.MustExit(3);
        var finding = outcome.Json.GetProperty("error").GetProperty("findings").EnumerateArray().Single(f => f.GetProperty("code").GetString() == code);
        Assert.All((string[])["subject", "found", "needed", "remedy"], part => Assert.False(string.IsNullOrWhiteSpace(finding.GetProperty(part).GetString()), $"no {part}: {outcome}"));
        MustBeShort(outcome);
    }

    /// <summary>For a person: one line that says what is wrong, one that says what to do.</summary>
    private static void MustBeShort(Outcome outcome)
    {
        var lines = outcome.Stderr.Split('\n');
        Assert.Single(lines, static line => line.StartsWith("error: ", StringComparison.Ordinal));
        Assert.Single(lines, static line => line.StartsWith("remedy: ", StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", outcome.Stderr, StringComparison.Ordinal);
    }
}
