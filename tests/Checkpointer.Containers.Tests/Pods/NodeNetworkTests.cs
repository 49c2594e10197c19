using System.Globalization;

namespace Checkpointer.Containers.Tests;

/// <summary>Pods without a network of their own: what is done for their connections must not touch the node's others.</summary>
public sealed class NodeNetworkTests(TwoNodes nodes)
{
    private const int Port = 7900;

    [Fact]
    public async Task The_node_is_heard_while_such_a_pod_is_restored_and_nothing_is_left_in_its_network()
    {
        await using var before = await PodOfTwo.StartAsync(nodes.A, "host", sharePids: false, ofNode: true);
        var checkpoint = await before.CheckpointAsync();
        Assert.Contains("network-of-node", checkpoint.ToString(), StringComparison.Ordinal);
        await MustHaveNoTablesAsync(nodes.A);

        await using var after = await PodOfTwo.WaitingAsync(nodes.B, "host", ofNode: true);
        await ListenAsync();
        try
        {
            await MustAnswerAsync();
            nodes.B.HoldNextCriu();
            var run = after.RestoreAsync(checkpoint.Snapshot());
            var criu = await nodes.B.HeldCriuAsync(run);
            await MustAnswerAsync();
            Signals.Send(criu, Signals.Continue);
            (await run).MustSucceed();
        }
        finally
        {
            await nodes.B.KillAsync("listener");
        }

        await after.MustGoOnAsync();
        PodOfTwo.MustHaveTickedWithoutGap(before, after);
        await MustHaveNoTablesAsync(nodes.B);
        await nodes.B.MustBeCleanAsync();
    }

    [Fact]
    public async Task What_a_single_container_leaves_there_is_nothing()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "alone", ofNode: true);
        var options = ContainerOptions.Workload("memory=4", "tcp", "files");
        var before = await Workload.StartAsync(pod, options);
        var snapshot = (await before.Container.CheckpointAsync()).Snapshot();
        await MustHaveNoTablesAsync(nodes.A);
        await using var to = await TestPod.StartAsync(nodes.B, "alone", ofNode: true);
        var after = await to.RestoreAsync(options, snapshot);
        await after.MustTickAsync();
        await after.VerifyAsync();
        await MustHaveNoTablesAsync(nodes.B);
    }

    /// <summary>CRIU restores such a tree in its own network, which is the node's: a pod's cannot be given to it.</summary>
    [Fact]
    public async Task It_does_not_come_back_in_a_pods_network()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "differs", ofNode: true);
        var options = ContainerOptions.Workload("memory=1");
        var workload = await Workload.StartAsync(pod, options);
        var snapshot = (await workload.Container.CheckpointAsync()).Snapshot();
        await using var to = await TestPod.StartAsync(nodes.B, "differs");
        var waiting = await to.RunAsync(Placeholder.Of(options));
        var outcome = await nodes.B.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json", "--force");
        outcome.MustExit(3);
        Assert.Contains("network-differs", outcome.Stdout, StringComparison.Ordinal);
        await waiting.MustWaitAsync();
    }

    private Task ListenAsync() => nodes.B.StartProgramAsync(
        "listener",
        "python3", "-c",
        string.Create(CultureInfo.InvariantCulture, $"import socket\ns = socket.create_server(('', {Port}))\nwhile True:\n  c, _ = s.accept()\n  c.sendall(b'here\\n')\n  c.close()"));

    /// <summary>From the other node, and over loopback.</summary>
    private async Task MustAnswerAsync()
    {
        foreach (var (from, address) in new[] { (nodes.A, nodes.B.Address), (nodes.B, "127.0.0.1") })
        {
            // The listener may have been started just now; a packet that is dropped is sent again, each time later.
            var ask = string.Create(CultureInfo.InvariantCulture, $"for i in $(seq 20); do timeout 10 cat </dev/tcp/{address}/{Port} && exit; sleep 0.2; done");
            Assert.Equal("here\n", (await from.RunAsync(["bash", "-c", ask])).Stdout);
        }
    }

    private static async Task MustHaveNoTablesAsync(ContainerNode node)
    {
        var script = Path.Combine(Installation.Root, "tests", "Checkpointer.Integration.Tests", "Faults", "Support", "residue.py");
        Assert.Empty((await node.RunAsync(["python3", script])).MustSucceed().Json.GetProperty("tables").EnumerateArray());
    }
}
