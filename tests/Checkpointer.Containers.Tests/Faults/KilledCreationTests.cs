using Checkpointer.Node.Cri;
using Checkpointer.Node.Cri.Protocol;

namespace Checkpointer.Containers.Tests;

/// <summary>The node service is killed while it makes a pod for a restore, or restores into it: nothing of that pod is left.</summary>
public sealed class KilledCreationTests(TwoNodes nodes)
{
    private const string Volume = "kubernetes.io~empty-dir/cache";
    private static readonly string[] Checks = ["memory=4", "files", "devshm", "bind=/cache"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("written down")]
    [InlineData("asked for")]
    [InlineData("restored into")]
    public async Task A_pod_that_was_only_just_is_removed_by_the_next_start(string moment)
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "killed");
        var workload = await Workload.StartAsync(pod, ContainerOptions.Workload(Checks) with { Mounts = [new BindMount(MatrixRow.FolderOn(nodes.A, pod.Name, Volume), "/cache")] });
        var snapshot = (await workload.Container.CheckpointAsync()).Snapshot();
        var before = await ThereAsync();
        if (moment == "restored into")
        {
            nodes.B.HoldNextCriu();
        }

        var run = nodes.B.CheckpointerAsync("restore", snapshot, "--create", "--json");
        if (moment == "restored into")
        {
            var criu = await nodes.B.HeldCriuAsync(run);
            Assert.NotEqual(before, await ThereAsync());
            await nodes.B.KillServiceAsync();
            Signals.TrySend(criu, Signals.Continue);
        }
        else
        {
            await Eventually.TrueAsync("the journal's entry", TimeSpan.FromMinutes(1), () => nodes.B.JournalEntries().Count > 0 || run.IsCompleted, TimeSpan.FromMilliseconds(1));
            Assert.False(run.IsCompleted, "it ended before it was written down");
            var containerd = nodes.B.PidOf("containerd");
            if (moment == "asked for")
            {
                // The runtime finds the request of one that is dead.
                Signals.Send(containerd, Signals.Stop);
            }

            await nodes.B.KillServiceAsync();
            Signals.Send(containerd, Signals.Continue);
        }

        (await run).MustExit(6);
        await nodes.B.StartServiceAsync();

        Assert.Equal(before, await ThereAsync());
        await nodes.B.MustBeCleanAsync();

        var restored = (await nodes.B.CheckpointerAsync("restore", snapshot, "--create", "--json")).MustSucceed().Json;
        var id = restored.GetProperty("container").GetString()!;
        await using var to = await TestPod.OfContainerAsync(nodes.B, id);
        var after = new Workload(await TestContainer.OfAsync(to, id, "main", nodes.B.RootFolder + restored.GetProperty("log").GetString()));
        await after.VerifyAsync();
        Workload.MustHaveTickedWithoutGap(workload, after);
    }

    /// <summary>Pods, network namespaces and interfaces of the node, and directories that were made for pods.</summary>
    private async Task<string> ThereAsync()
    {
        var pods = await nodes.B.Cri.CallAsync("listing pods", o => nodes.B.Cri.Runtime.ListPodSandboxAsync(new ListPodSandboxRequest(), o), CriConnection.Short, Cancellation);
        var script = $"ls /run/netns; ls /sys/class/net; ls {nodes.B.Home}/state/pods 2>/dev/null; true";
        return string.Join(' ', pods.Items.Select(static p => p.Id).Order()) + (await nodes.B.RunAsync(["bash", "-c", script])).MustSucceed().Stdout;
    }
}
