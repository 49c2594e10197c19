namespace Checkpointer.Containers.Tests;

/// <summary>What was restored is checkpointed and restored again.</summary>
public sealed class GenerationTests(TwoNodes nodes)
{
    private const int Generations = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private static readonly string[] Everything =
        ["memory=16", "threads", "forks", "orphan", "shm", "devshm", "unix", "tcp", "listen=7200", "pipes", "events", "timers", "files", "append", "unlinked", "identity"];

    [Fact]
    public async Task A_workload_that_does_everything_goes_on_over_three_generations()
    {
        var options = ContainerOptions.Workload(["--code", "42", .. Everything]);
        var pods = new List<TestPod>();
        try
        {
            pods.Add(await TestPod.StartAsync(nodes.A, "generation"));
            var all = new List<Workload> { await Workload.StartAsync(pods[^1], options) };
            await all[^1].VerifyAsync();
            for (var generation = 1; generation <= Generations; generation++)
            {
                var snapshot = (await all[^1].Container.CheckpointAsync()).Snapshot();
                pods.Add(await TestPod.StartAsync(generation % 2 == 1 ? nodes.B : nodes.A, "generation"));
                all.Add(await pods[^1].RestoreAsync(options, snapshot));
                await all[^1].MustTickAsync();
                await all[^1].VerifyAsync();
            }

            Workload.MustHaveTickedWithoutGap([.. all]);
            var answer = await nodes.A.RunAsync(["bash", "-c", $"exec 3<>/dev/tcp/{pods[^1].Ip}/7200 && timeout 30 cat <&3"]);
            Assert.Matches("^count [0-9]+ errors 0\n$", answer.MustSucceed().Stdout);
            await all[^1].Container.StopAsync(Limit);
            Assert.Equal(42, await all[^1].Container.ExitCodeAsync(Limit));
        }
        finally
        {
            foreach (var pod in pods)
            {
                await pod.DisposeAsync();
            }
        }
    }
}
