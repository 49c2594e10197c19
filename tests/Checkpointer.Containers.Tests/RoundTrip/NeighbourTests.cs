namespace Checkpointer.Containers.Tests;

/// <summary>One container of a pod is restored beside another that runs: what both have in common is also the other's.</summary>
public sealed class NeighbourTests(TwoNodes nodes)
{
    private const string Volume = "kubernetes.io~empty-dir/cache";
    private const string Theirs = "theirs";

    [Fact]
    public async Task What_a_live_neighbour_has_in_a_shared_directory_is_told_and_stays_also_when_forced()
    {
        var snapshot = await SnapshotAsync();
        await using var to = await TestPod.StartAsync(nodes.B, "beside");
        var sidecar = await SidecarAsync(to);
        string[] files = [InSidecar(sidecar, "/cache"), InSidecar(sidecar, "/dev/shm")];
        foreach (var file in files)
        {
            await File.WriteAllTextAsync(file, Theirs, TestContext.Current.CancellationToken);
        }

        var waiting = await to.RunAsync(Placeholder.Of(MainOn(to)));
        var refused = await nodes.B.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json");
        refused.MustExit(3);
        foreach (var word in (string[])["mount-in-use", "container sidecar", "/cache", "/dev/shm"])
        {
            Assert.Contains(word, refused.Stdout, StringComparison.Ordinal);
        }

        Assert.All(files, file => Assert.Equal(Theirs, File.ReadAllText(file)));
        await waiting.MustWaitAsync();

        (await nodes.B.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json", "--force")).MustSucceed();
        await new Workload(waiting).MustTickAsync();
        await new Workload(waiting).VerifyAsync();
        Assert.All(files, file => Assert.Equal(Theirs, File.ReadAllText(file)));
        await sidecar.VerifyAsync();
    }

    [Fact]
    public async Task A_neighbour_that_has_nothing_there_is_no_obstacle()
    {
        var snapshot = await SnapshotAsync();
        await using var to = await TestPod.StartAsync(nodes.B, "empty");
        var sidecar = await SidecarAsync(to);
        var waiting = await to.RunAsync(Placeholder.Of(MainOn(to)));
        var restored = (await nodes.B.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json")).MustSucceed();
        Assert.DoesNotContain("mount-in-use", restored.Stdout, StringComparison.Ordinal);
        await new Workload(waiting).VerifyAsync();
        await sidecar.VerifyAsync();
    }

    /// <summary>The workload has nothing there, so nothing is laid in, and nothing is taken away.</summary>
    [Fact]
    public async Task Where_the_snapshot_has_nothing_a_neighbours_files_stay()
    {
        await using var from = await TestPod.StartAsync(nodes.A, "nothing");
        var options = ContainerOptions.Workload("memory=1");
        var workload = await Workload.StartAsync(from, options);
        var snapshot = (await workload.Container.CheckpointAsync()).Snapshot();
        await using var to = await TestPod.StartAsync(nodes.B, "nothing");
        var sidecar = await SidecarAsync(to);
        var file = InSidecar(sidecar, "/dev/shm");
        await File.WriteAllTextAsync(file, Theirs, TestContext.Current.CancellationToken);
        await (await to.RestoreAsync(options, snapshot)).VerifyAsync();
        Assert.Equal(Theirs, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
    }

    private static string InSidecar(Workload sidecar, string folder) => $"/proc/{sidecar.Container.HostPid}/root{folder}/{Theirs}";

    private static Task<Workload> SidecarAsync(TestPod pod) =>
        Workload.StartAsync(pod, ContainerOptions.Workload("memory=1") with { Name = "sidecar", Mounts = MainOn(pod).Mounts });

    private static ContainerOptions MainOn(TestPod pod) =>
        ContainerOptions.Workload("memory=1", "devshm", "bind=/cache") with { Mounts = [new BindMount(MatrixRow.FolderOn(pod.Node, pod.Name, Volume), "/cache")] };

    /// <summary>Of a container on A with files in both places.</summary>
    private async Task<string> SnapshotAsync()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "source");
        var workload = await Workload.StartAsync(pod, MainOn(pod));
        return (await workload.Container.CheckpointAsync()).Snapshot();
    }
}
