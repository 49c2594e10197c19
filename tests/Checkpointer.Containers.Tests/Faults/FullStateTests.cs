namespace Checkpointer.Containers.Tests;

/// <summary>The disk with the service's state is full: a container that cannot be checkpointed for it runs on, and can be when there is room.</summary>
public sealed class FullStateTests(TwoNodes nodes)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_container_runs_on_and_is_checkpointed_when_there_is_room(bool during)
    {
        var state = Path.Combine(nodes.A.Home, "state");
        await nodes.A.KillServiceAsync();
        (await nodes.A.RunAsync(["mount", "-t", "tmpfs", "-o", "size=4M,mode=700", "tmpfs", state])).MustSucceed();
        try
        {
            await nodes.A.StartServiceAsync();
            await using var pod = await TestPod.StartAsync(nodes.A, "full");
            var workload = await Workload.StartAsync(pod, ContainerOptions.Workload("memory=16", "files", "tcp"));
            Task<Outcome> run;
            if (during)
            {
                nodes.A.HoldNextCriu();
                run = Checkpoint(workload);
                var criu = await nodes.A.HeldCriuAsync(run);
                await FillAsync(state);
                Signals.Send(criu, Signals.Continue);
            }
            else
            {
                await FillAsync(state);
                run = Checkpoint(workload);
            }

            var outcome = await run;
            Assert.NotEqual(0, outcome.ExitCode);
            Assert.Contains("space", outcome.Json.GetProperty("error").GetProperty("message").GetString(), StringComparison.OrdinalIgnoreCase);
            (await nodes.A.RunAsync(["rm", Path.Combine(state, "fill")])).MustSucceed();
            await workload.MustBeUnharmedAsync();
            (await Checkpoint(workload)).MustSucceed();
        }
        finally
        {
            await nodes.A.KillServiceAsync();
            (await nodes.A.RunAsync(["umount", state])).MustSucceed();
            await nodes.A.StartServiceAsync();
        }
    }

    private Task<Outcome> Checkpoint(Workload workload) => nodes.A.CheckpointerAsync("checkpoint", "--container", workload.Container.Id, "--json");

    /// <summary>To the last byte.</summary>
    private async Task FillAsync(string state)
    {
        var filled = await nodes.A.RunAsync(["bash", "-c", $"cat /dev/zero >{Path.Combine(state, "fill")}"]);
        Assert.Contains("No space left", filled.Stderr, StringComparison.Ordinal);
    }
}
