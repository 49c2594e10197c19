namespace Checkpointer.Node.Tests;

public sealed class EventStreamTests
{
    private static readonly string[] EnginePhases =
    [
        OperationPhase.Inspect, OperationPhase.Prepare, OperationPhase.Dump, OperationPhase.Commit, OperationPhase.End, OperationPhase.Done,
    ];

    [Fact]
    public async Task Every_phase_is_told_in_order_and_the_finish_is_last()
    {
        await using var node = await NodeFixture.StartAsync();
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        node.Engine.OnCheckpoint = async (id, request, progress, cancellationToken) =>
        {
            await go.Task.WaitAsync(cancellationToken);
            foreach (var phase in EnginePhases)
            {
                // Many reports a phase: the stream thins progress out and loses no phase.
                for (var i = 0; i < 50; i++)
                {
                    progress!.Report(new OperationProgress { Phase = phase, BytesDone = i });
                }
            }

            return ScriptedEngine.Result(id, request);
        };
        var operation = await node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline);

        List<OperationEvent> events = [];
        await foreach (var item in node.Client.WatchAsync(operation.Id, node.Deadline))
        {
            events.Add(item);
            go.TrySetResult();
        }

        Assert.Equal(OperationEventTypes.State, events[0].Type);
        Assert.Equal(OperationEventTypes.Finished, events[^1].Type);
        Assert.Equal(OperationOutcomes.Succeeded, events[^1].Operation.Outcome);
        var phases = events.Where(e => e.Type == OperationEventTypes.Phase).Select(e => e.Operation.Phase)
            .Where(p => p != OperationPhases.Starting);
        Assert.Equal(["inspect", "prepare", "dump", "commit", "end"], phases);
        Assert.All(events.SkipLast(1), e => Assert.False(e.Operation.IsOver));
        Assert.Equal(
            ["queued", "starting", "inspect", "prepare", "dump", "commit", "end", "done"],
            events[^1].Operation.Phases.Select(p => p.Phase));
    }

    [Fact]
    public async Task Progress_arrives_while_the_operation_runs()
    {
        await using var node = await NodeFixture.StartAsync();
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        node.Engine.OnCheckpoint = async (id, request, progress, cancellationToken) =>
        {
            progress!.Report(new OperationProgress { Phase = OperationPhase.Dump });
            for (var i = 1L; !seen.Task.IsCompleted; i++)
            {
                progress.Report(new OperationProgress { Phase = OperationPhase.Dump, BytesDone = i << 20, BytesTotal = 1L << 30 });
                await Task.Delay(10, cancellationToken);
            }

            return ScriptedEngine.Result(id, request);
        };
        var operation = await node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline);

        var last = 0L;
        await foreach (var item in node.Client.WatchAsync(operation.Id, node.Deadline))
        {
            if (item.Type == OperationEventTypes.Progress)
            {
                Assert.True(item.Operation.Progress.BytesDone > last);
                Assert.Equal(1L << 30, item.Operation.Progress.BytesTotal);
                last = item.Operation.Progress.BytesDone;
                if (last > 3 << 20)
                {
                    seen.TrySetResult();
                }
            }
        }

        Assert.True(seen.Task.IsCompleted);
    }

    [Fact]
    public async Task The_stream_of_an_operation_that_is_over_tells_the_finish_and_ends()
    {
        await using var node = await NodeFixture.StartAsync();
        var operation = await node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline);
        await node.Client.FollowAsync(operation.Id, null, node.Deadline);

        List<string> types = [];
        await foreach (var item in node.Client.WatchAsync(operation.Id, node.Deadline))
        {
            types.Add(item.Type);
            Assert.Equal(OperationOutcomes.Succeeded, item.Operation.Outcome);
        }

        Assert.Equal([OperationEventTypes.State, OperationEventTypes.Finished], types);
    }

    [Fact]
    public async Task A_reader_that_leaves_does_not_disturb_the_operation_or_other_readers()
    {
        await using var node = await NodeFixture.StartAsync();
        var gate = new Gate();
        node.Engine.OnCheckpoint = gate.RunAsync;
        var operation = await node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline);
        var other = node.Client.FollowAsync(operation.Id, null, node.Deadline);

        await foreach (var item in node.Client.WatchAsync(operation.Id, node.Deadline))
        {
            break;
        }

        gate.Open();
        Assert.Equal(OperationOutcomes.Succeeded, (await other).Outcome);
    }

    [Fact]
    public async Task A_caller_that_leaves_while_it_waits_does_not_take_the_operation_with_it()
    {
        await using var node = await NodeFixture.StartAsync();
        var gate = new Gate();
        node.Engine.OnCheckpoint = gate.RunAsync;
        using var http = Http.Over(node.Socket);
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(node.Deadline);
        var body = NodeFixture.Json($$"""{"pid":{{NodeFixture.SomePid}},"repository":"/r","keyFile":"/k"}""");
        var waiting = http.PostAsync("/v1/checkpoints?wait=true", body, leave.Token);
        await gate.Started.WaitAsync(node.Deadline);

        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        gate.Open();

        var operation = Assert.Single(await node.Client.ListOperationsAsync(node.Deadline));
        Assert.Equal(OperationOutcomes.Succeeded, (await node.Client.FollowAsync(operation.Id, null, node.Deadline)).Outcome);
    }

    [Fact]
    public async Task The_events_of_an_unknown_operation_are_not_found()
    {
        await using var node = await NodeFixture.StartAsync();

        var error = await Assert.ThrowsAsync<UsageException>(async () =>
        {
            await foreach (var _ in node.Client.WatchAsync("nosuch", node.Deadline))
            {
            }
        });

        Assert.Equal("operation-not-found", error.Code);
    }
}
