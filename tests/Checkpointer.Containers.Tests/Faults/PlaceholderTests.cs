namespace Checkpointer.Containers.Tests;

/// <summary>What becomes of placeholders: nobody restores into them, they are killed, CRIU fails in them, their disk is full.</summary>
public sealed class PlaceholderTests(TwoNodes nodes)
{
    private const int GivesUp = 75;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_placeholder_that_nobody_restores_into_gives_up_or_starts_cold()
    {
        await using var pod = await TestPod.StartAsync(nodes.B, "deadline");
        var options = ContainerOptions.Workload("memory=1");
        var alone = await pod.RunAsync(Waiting(options, "one", "--deadline", "1"));
        var cold = await pod.RunAsync(Waiting(options, "two", ["--deadline", "1", "--cold-start", "--", .. options.Command]));
        Assert.Equal(GivesUp, await alone.ExitCodeAsync(Limit));
        await alone.MustSayAsync("checkpointer-init");
        await new Workload(cold).MustTickAsync();
        await new Workload(cold).VerifyAsync();
    }

    [Fact]
    public async Task Killing_a_placeholder_kills_what_was_restored_into_it()
    {
        var (snapshot, options) = await SnapshotAsync("memory=8", "forks", "orphan");
        await using var pod = await TestPod.StartAsync(nodes.B, "killed");
        var restored = await pod.RestoreAsync(options, snapshot);
        var tree = Processes.TreeOf(restored.Container.HostPid);
        Assert.True(tree.Count > 4, $"only {tree.Count} processes");
        restored.Container.Signal(Signals.Kill);
        Assert.Equal(128 + Signals.Kill, await restored.Container.ExitCodeAsync(Limit));
        await Eventually.TrueAsync("the end of the tree", Limit, () => !tree.Any(Processes.IsAlive));
        await nodes.B.MustBeCleanAsync();
    }

    [Fact]
    public async Task A_placeholder_killed_during_a_restore_is_told_and_leaves_nothing()
    {
        var (snapshot, options) = await SnapshotAsync("memory=32", "forks", "files");
        await using var pod = await TestPod.StartAsync(nodes.B, "gone");
        var waiting = await pod.RunAsync(Placeholder.Of(options));
        nodes.B.HoldNextCriu();
        var run = nodes.B.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json");
        await nodes.B.HeldCriuAsync(run);
        waiting.Signal(Signals.Kill);
        await waiting.ExitCodeAsync(Limit);
        var outcome = await run;
        Assert.NotEqual(0, outcome.ExitCode);
        Assert.False(string.IsNullOrEmpty(outcome.Json.GetProperty("error").GetProperty("message").GetString()));
        await nodes.B.MustBeCleanAsync();

        await using var again = await TestPod.StartAsync(nodes.B, "again");
        await (await again.RestoreAsync(options, snapshot)).VerifyAsync();
    }

    [Fact]
    public async Task A_CRIU_that_dies_leaves_a_placeholder_that_waits()
    {
        var (snapshot, options) = await SnapshotAsync("memory=32", "forks", "files", "devshm");
        await using var pod = await TestPod.StartAsync(nodes.B, "criu");
        var waiting = await pod.RunAsync(Placeholder.Of(options));
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
    public async Task A_full_disk_is_told_and_the_restore_succeeds_when_there_is_room()
    {
        const string EmptyDirectory = "kubernetes.io~empty-dir/cache";
        var full = ContainerOptions.Workload("memory=1", "bind=/cache");
        string snapshot;
        await using (var from = await TestPod.StartAsync(nodes.A, "full"))
        {
            var folder = MatrixRow.FolderOn(nodes.A, from.Name, EmptyDirectory);
            await File.WriteAllBytesAsync(Path.Combine(folder, "big"), new byte[8 << 20].Select((_, i) => (byte)(i * 7919 >> 3)).ToArray(), TestContext.Current.CancellationToken);
            var workload = await Workload.StartAsync(from, full with { Mounts = [new BindMount(folder, "/cache")] });
            snapshot = (await workload.Container.CheckpointAsync()).Snapshot();
        }

        await using var to = await TestPod.StartAsync(nodes.B, "full");
        var small = MatrixRow.FolderOn(nodes.B, to.Name, EmptyDirectory);
        (await nodes.B.RunAsync(["mount", "-t", "tmpfs", "-o", "size=2M", "tmpfs", small])).MustSucceed();
        var waiting = await to.RunAsync(Placeholder.Of(full with { Mounts = [new BindMount(small, "/cache")] }));
        var failed = await nodes.B.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json");
        Assert.NotEqual(0, failed.ExitCode);
        Assert.Contains("space", failed.Json.GetProperty("error").GetProperty("message").GetString(), StringComparison.OrdinalIgnoreCase);
        await waiting.MustWaitAsync();
        await nodes.B.MustBeCleanAsync();
        (await nodes.B.RunAsync(["mount", "-o", "remount,size=64M", small])).MustSucceed();
        (await nodes.B.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json")).MustSucceed();
        await new Workload(waiting).VerifyAsync();
    }

    [Fact]
    public async Task A_restored_container_outlives_a_killed_runtime_which_then_knows_its_end()
    {
        var (snapshot, options) = await SnapshotAsync("--code", "7", "memory=4");
        await using var pod = await TestPod.StartAsync(nodes.B, "runtime");
        var restored = await pod.RestoreAsync(options, snapshot);
        var tree = Processes.TreeOf(restored.Container.HostPid);
        // Logs are containerd's: they go on with it.
        await nodes.B.KillContainerdAsync();
        await nodes.B.StartContainerdAsync();
        Assert.All(tree, pid => Assert.True(Processes.IsAlive(pid), $"{pid} has ended"));
        await restored.MustTickAsync();
        await restored.VerifyAsync();
        await restored.Container.StopAsync(Limit);
        Assert.Equal(7, await restored.Container.ExitCodeAsync(Limit));
    }

    private static ContainerOptions Waiting(ContainerOptions options, string name, params string[] hold)
    {
        var placeholder = Placeholder.Of(options);
        return placeholder with { Name = name, Command = [placeholder.Command[0], "hold", .. hold] };
    }

    /// <summary>Of a container on A that has ended with it.</summary>
    private async Task<(string Snapshot, ContainerOptions Options)> SnapshotAsync(params string[] checks)
    {
        var options = ContainerOptions.Workload(checks);
        await using var pod = await TestPod.StartAsync(nodes.A, "source");
        var workload = await Workload.StartAsync(pod, options);
        return ((await workload.Container.CheckpointAsync()).Snapshot(), options);
    }
}
