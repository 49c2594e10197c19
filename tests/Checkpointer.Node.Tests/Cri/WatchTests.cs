using Checkpointer.Node.Cri;
using Checkpointer.Node.Cri.Protocol;
using Google.Protobuf;
using Grpc.Core;

namespace Checkpointer.Node.Tests.Cri;

/// <summary>Containers that begin and cease to run, with events and without.</summary>
public sealed class WatchTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_events_the_lists_are_compared()
    {
        await using var node = await FakeNode.StartAsync();
        var pod = node.AddPod("web");
        var first = node.Add("first", pod);
        node.Add("done", pod, ContainerState.ContainerExited);
        await using var changes = node.Runtime.WatchAsync(Token).GetAsyncEnumerator();
        Assert.Equal(("first", true), await NextAsync(changes));

        node.Change(n => n.Add("second", pod));
        Assert.Equal(("second", true), await NextAsync(changes));
        node.Change(_ => first.State = ContainerState.ContainerExited);
        Assert.Equal(("first", false), await NextAsync(changes));

        // containerd 1 would take the events away from kubelet.
        Assert.DoesNotContain("GetContainerEvents", node.Cri.Calls);
    }

    [Fact]
    public async Task An_event_is_a_reason_to_look()
    {
        await using var node = await FakeNode.StartAsync();
        node.Version = "v2.1.0";
        var pod = node.AddPod("web");
        var events = new SemaphoreSlim(0);
        node.Cri.OnRaw("GetContainerEvents", async context =>
        {
            while (true)
            {
                await events.WaitAsync(context.RequestAborted);
                await FakeCri.WriteAsync(context, new ContainerEventResponse { ContainerEventType = ContainerEventType.ContainerStartedEvent }.ToByteArray());
            }
        });
        await using var changes = node.Runtime.WatchAsync(Token).GetAsyncEnumerator();
        foreach (var name in new[] { "first", "second", "third" })
        {
            node.Change(n => n.Add(name, pod));
            events.Release();
            Assert.Equal((name, true), await NextAsync(changes));
        }

        Assert.Contains("GetContainerEvents", node.Cri.Calls);
    }

    [Fact]
    public async Task A_stream_that_breaks_is_opened_again_and_nothing_is_missed()
    {
        await using var node = await FakeNode.StartAsync();
        node.Version = "2.0.0";
        var pod = node.AddPod("web");
        node.Cri.OnRaw("GetContainerEvents", context => FakeCri.WriteAsync(context, new ContainerEventResponse().ToByteArray()));
        await using var changes = node.Runtime.WatchAsync(Token).GetAsyncEnumerator();
        for (var i = 0; i < 3; i++)
        {
            node.Change(n => n.Add($"c{i}", pod));
            Assert.Equal(($"c{i}", true), await NextAsync(changes));
        }
    }

    [Fact]
    public async Task A_runtime_that_is_away_has_not_ended_its_containers()
    {
        await using var node = await FakeNode.StartAsync();
        var pod = node.AddPod("web");
        node.Add("first", pod);
        await using var changes = node.Runtime.WatchAsync(Token).GetAsyncEnumerator();
        Assert.Equal(("first", true), await NextAsync(changes));

        node.Cri.Fail("ListContainers", StatusCode.Unavailable, "shutting down");
        var next = NextAsync(changes);
        using var patience = new CancellationTokenSource(NodeFixture.Patience);
        while (!node.Log.WithId(EventIds.RuntimeLost).Any())
        {
            await Task.Delay(5, patience.Token);
        }

        node.Change(n => n.Add("second", pod));
        node.Cri.On<ListContainersRequest>("ListContainers", _ => new ListContainersResponse { Containers = { node.Containers } });
        Assert.Equal(("second", true), await next);
        Assert.Single(node.Log.WithId(EventIds.RuntimeLost));
        Assert.Single(node.Log.WithId(EventIds.RuntimeBack));
    }

    [Fact]
    public async Task Cancelling_ends_it()
    {
        await using var node = await FakeNode.StartAsync();
        using var cancel = new CancellationTokenSource();
        var changes = node.Runtime.WatchAsync(cancel.Token).GetAsyncEnumerator();
        var next = changes.MoveNextAsync().AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
        await changes.DisposeAsync();
    }

    private static async Task<(string Name, bool Runs)> NextAsync(IAsyncEnumerator<ContainerChange> changes)
    {
        Assert.True(await changes.MoveNextAsync().AsTask().WaitAsync(NodeFixture.Patience, Token));
        return (changes.Current.Container.Name, changes.Current.Runs);
    }
}
