using System.Globalization;

namespace Checkpointer.Containers.Tests;

/// <summary>A pod whose container was checkpointed and ended: what it leaves in the pod's network.</summary>
public sealed class LeftConnectionTests(TwoNodes nodes)
{
    private const int Port = 7100;
    private const int OtherPort = 7200;

    private const string Server =
        """
        import socket, sys
        s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('', int(sys.argv[1]))); s.listen(); print('listens', flush=True)
        while True:
            c, _ = s.accept()
            while d := c.recv(64):
                c.sendall(d)
        """;

    private const string Client =
        """
        import socket, sys, time
        c = socket.create_connection((sys.argv[1], int(sys.argv[2])))
        n = 0
        while True:
            n += 1
            try:
                c.sendall(b'%d\n' % n)
                d = c.recv(64)
            except OSError as e:
                d = repr(e)
            print('echo' if d == b'%d\n' % n else 'FAILED %r' % d, flush=True)
            time.sleep(0.05)
        """;

    /// <summary>The peer is told nothing, the pod's other containers are not disturbed, and in the same pod the connection goes on.</summary>
    [Fact]
    public async Task Its_connections_are_silent_everything_else_is_heard_and_back_in_that_pod_they_go_on()
    {
        await nodes.NeedToolsAsync();
        await using var pod = await TestPod.StartAsync(nodes.A, "left");
        await using var far = await TestPod.StartAsync(nodes.B, "peer");
        var server = await pod.RunAsync(Python(Server, "server", Port));
        var other = await pod.RunAsync(Python(Server, "other", OtherPort));
        await server.MustSayAsync("listens");
        await other.MustSayAsync("listens");
        var client = await far.RunAsync(Python(Client, "client", pod.Ip, Port));
        await client.MustSayAsync("echo", 3);

        var snapshot = (await server.CheckpointAsync()).Snapshot();

        // As the cluster starts it again, on the same port; and the other container, which goes on.
        var again = await pod.RunAsync(Python(Server, "again", Port));
        await again.MustSayAsync("listens");
        foreach (var port in (int[])[Port, OtherPort])
        {
            var probe = await far.RunAsync(Python(Client, string.Create(CultureInfo.InvariantCulture, $"probe{port}"), pod.Ip, port));
            await probe.MustSayAsync("echo", 3);
        }

        Assert.Empty(client.Lines("FAILED"));
        Assert.True(await client.IsRunningAsync());
        await again.StopAsync(TimeSpan.Zero);
        var echoes = client.Lines("echo").Count;
        var waiting = await pod.RunAsync(Placeholder.Of(Python(Server, "server", Port)) with { Name = "restored" });
        (await nodes.A.CheckpointerAsync("restore", snapshot, "--into", waiting.Id, "--json")).MustSucceed();
        await client.MustSayAsync("echo", echoes + 3);
        Assert.Empty(client.Lines("FAILED"));
    }

    private static ContainerOptions Python(string program, string name, params object[] arguments) => new()
    {
        Image = ContainerOptions.ToolsImage,
        Name = name,
        Command = ["python3", "-c", program, .. arguments.Select(a => Convert.ToString(a, CultureInfo.InvariantCulture)!)],
    };
}
