namespace Checkpointer.Containers.Tests;

/// <summary>Containers that are on their way out: one line and what to do, or a checkpoint like any other.</summary>
public sealed class EndingContainerTests(TwoNodes nodes)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>The runtime does not know yet that it has ended: its shim stands still, and nobody has reaped the process.</summary>
    [Fact]
    public async Task A_container_that_has_just_ended_while_its_runtime_says_that_it_runs()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "ending");
        var workload = await Workload.StartAsync(pod, ContainerOptions.Workload("memory=1"));
        var shim = Processes.ParentOf(workload.Container.HostPid);
        Signals.Send(shim, Signals.Stop);
        try
        {
            Signals.Send(workload.Container.HostPid, Signals.Kill);
            await Eventually.TrueAsync("its end", Limit, () => !Processes.IsAlive(workload.Container.HostPid));
            foreach (var verb in (string[])["checkpoint", "preflight"])
            {
                var outcome = await nodes.A.CheckpointerAsync(verb, "--container", workload.Container.Id, "--json");
                outcome.MustExit(2);
                Assert.Equal("container-not-running", outcome.ErrorCode);
                Assert.False(string.IsNullOrWhiteSpace(outcome.Json.GetProperty("error").GetProperty("remedy").GetString()), $"no remedy: {outcome}");
            }
        }
        finally
        {
            Signals.Send(shim, Signals.Continue);
        }
    }

    /// <summary>CRI tells nobody that a container was asked to end: until it does it runs, and what runs can be moved.</summary>
    [Fact]
    public async Task A_container_that_was_asked_to_end_and_takes_its_time_is_checkpointed()
    {
        await nodes.NeedToolsAsync();
        var options = new ContainerOptions
        {
            Image = ContainerOptions.ToolsImage,
            Command = ["bash", "-c", "trap 'echo asked' TERM; n=0; while :; do echo \"turn $((++n))\"; sleep 0.1; done"],
        };
        await using var pod = await TestPod.StartAsync(nodes.A, "stopping");
        var before = await pod.RunAsync(options);
        await before.MustSayAsync("turn ");
        var stopping = before.StopAsync(TimeSpan.FromMinutes(5));
        await before.MustSayAsync("asked");
        var snapshot = (await before.CheckpointAsync()).Snapshot();
        await stopping;

        await using var to = await TestPod.StartAsync(nodes.B, "stopping");
        var after = (await to.RestoreAsync(options, snapshot)).Container;
        await after.MustSayAsync("turn ");
        Program.MustFollow("turn ", "", before, after);
    }
}
