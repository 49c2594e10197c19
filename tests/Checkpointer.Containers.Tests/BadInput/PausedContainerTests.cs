namespace Checkpointer.Containers.Tests;

/// <summary>A container that somebody paused stays so: a checkpoint says it and touches nothing.</summary>
public sealed class PausedContainerTests(TwoNodes nodes)
{
    [Fact]
    public async Task A_paused_container_is_told_and_stays_paused()
    {
        await using var pod = await PodOfTwo.StartAsync(nodes.A, "paused");
        var server = pod.Server.Container;
        await CtrAsync("pause", server.Id);
        foreach (var what in (string[][])[["--pod", pod.Name], ["--container", server.Id]])
        {
            var outcome = await nodes.A.CheckpointerAsync(["checkpoint", .. what, "--json", "--force"]);
            outcome.MustExit(3);
            Assert.Contains("container-paused", outcome.Stdout, StringComparison.Ordinal);
            Assert.Contains("PAUSED", await CtrAsync("ls"), StringComparison.Ordinal);
        }

        await CtrAsync("resume", server.Id);
        await pod.MustBeUnharmedAsync();
        await pod.CheckpointAsync();
    }

    private async Task<string> CtrAsync(params string[] words) => (await nodes.A.RunAsync(["ctr", "-n", "k8s.io", "tasks", .. words])).MustSucceed().Stdout;
}
