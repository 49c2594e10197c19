namespace Checkpointer.Node.Tests;

public sealed class CancellationTests
{
    [Fact]
    public async Task Cancelling_rolls_back_and_the_workload_runs_on()
    {
        await using var node = await NodeFixture.StartAsync();
        var gate = new Gate();
        node.Engine.OnCheckpoint = gate.RunAsync;
        var operation = await node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline);
        await gate.Started.WaitAsync(node.Deadline);

        var asked = await node.Client.CancelAsync(operation.Id, node.Deadline);
        var ended = await node.Client.FollowAsync(operation.Id, null, node.Deadline);

        Assert.True(asked.CancelRequested);
        Assert.Equal(OperationOutcomes.Cancelled, ended.Outcome);
        Assert.Equal(("running", true, 130), (ended.Error!.WorkloadState, ended.Error.WorkloadRunning, ended.Error.ExitCode));
    }

    [Fact]
    public async Task Cancelling_the_clients_token_cancels_the_operation_and_waits_for_its_rollback()
    {
        await using var node = await NodeFixture.StartAsync();
        var rolledBack = false;
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        node.Engine.OnCheckpoint = async (_, _, _, cancellationToken) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);
            await Task.Delay(200, CancellationToken.None);
            rolledBack = true;
            throw new OperationCancelledException("cancelled", "Cancelled.") { Workload = WorkloadState.Running };
        };
        using var caller = new CancellationTokenSource();
        var checkpoint = node.Client.CheckpointAsync(NodeFixture.Request(), null, caller.Token);
        await started.Task.WaitAsync(node.Deadline);

        await caller.CancelAsync();
        var error = await Assert.ThrowsAsync<OperationCancelledException>(() => checkpoint.WaitAsync(node.Deadline));

        Assert.True(rolledBack);
        Assert.Equal(WorkloadState.Running, error.Workload);
    }

    [Fact]
    public async Task Cancelling_what_is_over_changes_nothing()
    {
        await using var node = await NodeFixture.StartAsync();
        var operation = await node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline);
        await node.Client.FollowAsync(operation.Id, null, node.Deadline);

        var after = await node.Client.CancelAsync(operation.Id, node.Deadline);

        Assert.Equal(OperationOutcomes.Succeeded, after.Outcome);
        Assert.False(after.CancelRequested);
    }

    [Fact]
    public async Task An_operation_that_succeeds_in_spite_of_a_late_cancel_has_succeeded()
    {
        await using var node = await NodeFixture.StartAsync();
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        node.Engine.OnCheckpoint = async (id, request, _, cancellationToken) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);
            return ScriptedEngine.Result(id, request);
        };
        var operation = await node.Client.StartCheckpointAsync(NodeFixture.Request(), node.Deadline);
        await started.Task.WaitAsync(node.Deadline);

        await node.Client.CancelAsync(operation.Id, node.Deadline);
        var ended = await node.Client.FollowAsync(operation.Id, null, node.Deadline);

        Assert.Equal(OperationOutcomes.Succeeded, ended.Outcome);
        Assert.True(ended.CancelRequested);
    }

    [Fact]
    public async Task Cancelling_an_unknown_operation_is_not_found()
    {
        await using var node = await NodeFixture.StartAsync();

        var error = await Assert.ThrowsAsync<UsageException>(() => node.Client.CancelAsync("nosuch", node.Deadline));

        Assert.Equal("operation-not-found", error.Code);
    }
}
