namespace Checkpointer.Containers.Tests;

/// <summary>containerd is killed and started again while an operation is under way: neither the operation nor the container needs it meanwhile.</summary>
public sealed class RestartedRuntimeTests(TwoNodes nodes)
{
    private static readonly string[] Checks = ["--code", "7", "memory=16", "files", "devshm", "tcp"];
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_dump_and_a_restore_succeed_and_the_runtime_knows_the_ends()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "restarted");
        var options = ContainerOptions.Workload(Checks);
        var before = await Workload.StartAsync(pod, options);
        nodes.A.HoldNextCriu();
        var dump = nodes.A.CheckpointerAsync("checkpoint", "--container", before.Container.Id, "--json");
        await RestartAsync(nodes.A, dump);
        var snapshot = (await dump).MustSucceed().Json.Snapshot();
        await before.Container.ExitCodeAsync(Workload.Patience);

        await using var to = await TestPod.StartAsync(nodes.B, "restarted");
        var waiting = await to.RunAsync(Placeholder.Of(options));
        nodes.B.HoldNextCriu();
        var restore = nodes.B.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json");
        await RestartAsync(nodes.B, restore);
        (await restore).MustSucceed();
        var after = new Workload(waiting);
        await after.MustTickAsync();
        await after.VerifyAsync();
        await after.Container.StopAsync(Limit);
        Assert.Equal(7, await after.Container.ExitCodeAsync(Limit));
        await nodes.A.MustBeCleanAsync();
        await nodes.B.MustBeCleanAsync();
    }

    private static async Task RestartAsync(ContainerNode node, Task<Outcome> run)
    {
        var criu = await node.HeldCriuAsync(run);
        await node.KillContainerdAsync();
        await node.StartContainerdAsync();
        Signals.Send(criu, Signals.Continue);
    }
}
