namespace Checkpointer.Node.Tests;

public sealed class QueueTests
{
    /// <summary>The pids are the numbers after it: nobody's here, and so none of the caller's ancestors, who are refused.</summary>
    private const int Before = NodeFixture.SomePid - 100;

    private const long MiB = 1 << 20;

    [Fact]
    public async Task Two_operations_run_at_once_when_the_budget_allows_it()
    {
        await using var node = await NodeFixture.StartAsync(c => c with { MemoryBytes = 200 * MiB, MaxConcurrent = 2 });
        var (first, second) = (new Gate(), new Gate());
        Script(node, first, second);

        await StartAsync(node, 1, 100 * MiB);
        await StartAsync(node, 2, 100 * MiB);

        await Task.WhenAll(first.Started, second.Started).WaitAsync(node.Deadline);
        Assert.Equal((2, 200 * MiB), (node.Service<NodeBudget>().Running, node.Service<NodeBudget>().BytesInUse));
        first.Open();
        second.Open();
    }

    [Fact]
    public async Task An_operation_waits_untouched_until_there_is_memory_for_it()
    {
        await using var node = await NodeFixture.StartAsync(c => c with { MemoryBytes = 150 * MiB });
        var (first, second) = (new Gate(), new Gate());
        Script(node, first, second);
        await StartAsync(node, 1, 100 * MiB);
        await first.Started.WaitAsync(node.Deadline);

        var id = await StartAsync(node, 2, 100 * MiB);
        await node.Service<OperationScheduler>().ProbeAsync(node.Deadline);

        var waiting = await node.Client.GetOperationAsync(id, node.Deadline);
        Assert.Equal((OperationPhases.Queued, 0), (waiting.Phase, waiting.QueuePosition));
        Assert.Null(waiting.Admitted);
        Assert.Equal([Call(1)], node.Engine.Calls);

        first.Open();
        await second.Started.WaitAsync(node.Deadline);
        second.Open();
        Assert.Equal(OperationOutcomes.Succeeded, (await node.Client.FollowAsync(id, null, node.Deadline)).Outcome);
    }

    [Fact]
    public async Task Operations_are_admitted_in_the_order_they_came_and_small_ones_do_not_overtake()
    {
        await using var node = await NodeFixture.StartAsync(c => c with { MemoryBytes = 100 * MiB });
        var gates = Enumerable.Range(0, 3).Select(_ => new Gate()).ToArray();
        Script(node, gates);
        await StartAsync(node, 1, 60 * MiB);
        await gates[0].Started.WaitAsync(node.Deadline);

        await StartAsync(node, 2, 100 * MiB);
        var small = await StartAsync(node, 3, 10 * MiB);
        await node.Service<OperationScheduler>().ProbeAsync(node.Deadline);
        Assert.Equal(1, (await node.Client.GetOperationAsync(small, node.Deadline)).QueuePosition);
        Assert.Equal([Call(1)], node.Engine.Calls);

        foreach (var gate in gates)
        {
            await gate.Started.WaitAsync(node.Deadline);
            gate.Open();
        }

        Assert.Equal([Call(1), Call(2), Call(3)], node.Engine.Calls);
    }

    [Fact]
    public async Task The_number_of_operations_at_once_is_bounded()
    {
        await using var node = await NodeFixture.StartAsync(c => c with { MaxConcurrent = 1 });
        var (first, second) = (new Gate(), new Gate());
        Script(node, first, second);
        await StartAsync(node, 1, MiB);
        await StartAsync(node, 2, MiB);
        await first.Started.WaitAsync(node.Deadline);
        await node.Service<OperationScheduler>().ProbeAsync(node.Deadline);

        Assert.False(second.Started.IsCompleted);

        first.Open();
        await second.Started.WaitAsync(node.Deadline);
        second.Open();
    }

    [Fact]
    public async Task A_waiting_operation_can_be_cancelled_and_was_never_touched()
    {
        await using var node = await NodeFixture.StartAsync(c => c with { MaxConcurrent = 1 });
        var first = new Gate();
        Script(node, first);
        await StartAsync(node, 1, MiB);
        await first.Started.WaitAsync(node.Deadline);
        var id = await StartAsync(node, 2, MiB);

        await node.Client.CancelAsync(id, node.Deadline);
        var cancelled = await node.Client.FollowAsync(id, null, node.Deadline);

        Assert.Equal(OperationOutcomes.Cancelled, cancelled.Outcome);
        Assert.Equal(130, cancelled.Error!.ExitCode);
        Assert.Equal("untouched", cancelled.Error.WorkloadState);
        Assert.Equal([Call(1)], node.Engine.Calls);
        first.Open();
    }

    [Fact]
    public async Task An_operation_larger_than_the_whole_budget_is_refused()
    {
        await using var node = await NodeFixture.StartAsync(c => c with { MemoryBytes = 100 * MiB });

        var error = await Assert.ThrowsAsync<UsageException>(() => StartAsync(node, 1, 101 * MiB));

        Assert.Equal("memory-over-budget", error.Code);
        Assert.Empty(node.Engine.Calls);
        Assert.Empty(await node.Client.ListOperationsAsync(node.Deadline));
    }

    [Fact]
    public async Task Who_asks_for_the_default_gets_all_of_a_node_that_has_less()
    {
        await using var node = await NodeFixture.StartAsync(c => c with { MemoryBytes = 100 * MiB });
        var gate = new Gate();
        Script(node, gate);

        await StartAsync(node, 1, CheckpointRequest.DefaultMemoryBytes);

        await gate.Started.WaitAsync(node.Deadline);
        Assert.Equal(100 * MiB, node.Service<NodeBudget>().BytesInUse);
        gate.Open();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task Memory_that_is_no_memory_is_refused(long bytes)
    {
        await using var node = await NodeFixture.StartAsync();

        var error = await Assert.ThrowsAsync<UsageException>(() => StartAsync(node, 1, bytes));

        Assert.Equal("memory-invalid", error.Code);
    }

    [Fact]
    public async Task The_queue_is_bounded()
    {
        await using var node = await NodeFixture.StartAsync(c => c with { MaxConcurrent = 1 });
        var gate = new Gate();
        Script(node, gate);
        await StartAsync(node, 1, MiB);
        await gate.Started.WaitAsync(node.Deadline);
        for (var i = 0; i < OperationScheduler.MaxQueued; i++)
        {
            await StartAsync(node, 2, MiB);
        }

        var error = await Assert.ThrowsAsync<HostException>(() => StartAsync(node, 3, MiB));

        Assert.Equal("queue-full", error.Code);
        await node.StopAsync(new CancellationToken(canceled: true));
    }

    [Fact]
    public void More_cannot_be_given_back_than_was_taken()
    {
        var budget = new NodeBudget(10, 1);
        Assert.True(budget.TryTake(4));
        Assert.False(budget.TryTake(1));
        Assert.Throws<InvalidOperationException>(() => budget.Return(5));
        budget.Return(4);
        Assert.Throws<InvalidOperationException>(() => budget.Return(0));
        Assert.False(budget.TryTake(11));
    }

    private static string Call(int number) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"checkpoint {Before + number}");

    private static async Task<string> StartAsync(NodeFixture node, int pid, long memory)
    {
        return (await node.Client.StartCheckpointAsync(NodeFixture.Request(Before + pid) with { MemoryBytes = memory }, node.Deadline)).Id;
    }

    /// <summary>The request for the n-th pid goes through the n-th gate.</summary>
    private static void Script(NodeFixture node, params Gate[] gates)
    {
        node.Engine.OnCheckpoint = (id, request, progress, cancellationToken) =>
            gates[request.Pid!.Value - Before - 1].RunAsync(id, request, progress, cancellationToken);
    }
}
