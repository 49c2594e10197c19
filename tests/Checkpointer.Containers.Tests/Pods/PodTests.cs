using System.Globalization;
using System.Text.Json;

namespace Checkpointer.Containers.Tests;

/// <summary>All containers of a pod are one snapshot, and go on together.</summary>
public sealed class PodTests(TwoNodes nodes, ITestOutputHelper output)
{
    private const int Generations = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_pod_goes_on_on_the_other_node_over_three_generations()
    {
        List<PodOfTwo> all = [];
        try
        {
            all.Add(await PodOfTwo.StartAsync(nodes.A, "pod"));
            await all[0].MustGoOnAsync();
            for (var generation = 1; generation <= Generations; generation++)
            {
                var snapshot = await all[^1].CheckpointAsync();
                Tell(snapshot);
                all.Add(await PodOfTwo.WaitingAsync(generation % 2 == 1 ? nodes.B : nodes.A, "pod"));
                await all[^1].MustRestoreAsync(snapshot.Snapshot());
                Assert.Equal(generation, snapshot.GetProperty("generation").GetInt64());
            }

            PodOfTwo.MustHaveTickedWithoutGap([.. all]);
            await all[^1].Client.Container.StopAsync(Limit);
            Assert.Equal(PodOfTwo.ClientCode, await all[^1].Client.Container.ExitCodeAsync(Limit));
            await all[^1].Server.Container.StopAsync(Limit);
            Assert.Equal(PodOfTwo.ServerCode, await all[^1].Server.Container.ExitCodeAsync(Limit));
            await nodes.A.MustBeCleanAsync();
            await nodes.B.MustBeCleanAsync();
        }
        finally
        {
            foreach (var pod in all)
            {
                await pod.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task A_pod_that_runs_on_is_not_hurt_and_its_snapshot_is_good_on_the_same_node()
    {
        await using var pod = await PodOfTwo.StartAsync(nodes.A, "stays");
        var first = await pod.CheckpointAsync("--leave-running", "--name", pod.Pod.Name);
        Tell(first);
        await pod.MustBeUnharmedAsync();
        await nodes.A.MustBeCleanAsync();
        var second = await pod.CheckpointAsync();
        Assert.Equal(first.Snapshot(), second.GetProperty("parent").GetString());
        Assert.True(second.GetProperty("bytesReused").GetInt64() > 0);

        await using var again = await PodOfTwo.WaitingAsync(nodes.A, "again");
        await again.MustRestoreAsync(second.Snapshot());
        PodOfTwo.MustHaveTickedWithoutGap(pod, again);

        // An older one, of a moment at which nothing had ended: good as well.
        await using var older = await PodOfTwo.WaitingAsync(nodes.B, "older");
        await older.MustRestoreAsync(first.Snapshot());
    }

    [Fact]
    public async Task A_pod_is_made_again_from_its_snapshot_alone()
    {
        await using var pod = await PodOfTwo.StartAsync(nodes.A, "made");
        await pod.CheckpointAsync("--name", pod.Pod.Name);
        var restored = (await nodes.B.CheckpointerAsync("restore", "--latest", pod.Pod.Name, "--create", "--json")).MustSucceed().Json;
        await using var made = await PodOfTwo.MadeAsync(nodes.B, restored);
        await made.MustGoOnAsync();
        PodOfTwo.MustHaveTickedWithoutGap(pod, made);
    }

    [Fact]
    public async Task A_pod_with_one_container_is_a_pod_too()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "alone");
        var options = ContainerOptions.Workload("memory=4", "tcp", "devshm");
        var workload = await Workload.StartAsync(pod, options);
        var snapshot = (await nodes.A.CheckpointerAsync("checkpoint", "--pod", pod.Name, "--json")).MustSucceed().Json.Snapshot();
        await using var to = await TestPod.StartAsync(nodes.B, "alone");
        var after = new Workload(await to.RunAsync(Placeholder.Of(options)));
        (await nodes.B.CheckpointerAsync("restore", snapshot, "--into", to.Name, "--json")).MustSucceed();
        await after.MustTickAsync();
        await after.VerifyAsync();
        Workload.MustHaveTickedWithoutGap(workload, after);
    }

    private void Tell(JsonElement snapshot) => output.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"frozen {snapshot.GetProperty("frozenMs")} ms; CRIU {string.Join(" and ", snapshot.GetProperty("members").EnumerateArray().Select(static m => m.GetProperty("criuFrozenMs")))} ms; {snapshot.GetProperty("timings")}"));
}
