namespace Checkpointer.Node.Tests;

public sealed class TreeTests
{
    [Fact]
    public async Task Waiting_for_a_tree_ends_with_its_exit()
    {
        await using var node = await NodeFixture.StartAsync();
        var exit = new TaskCompletionSource<TreeExit>(TaskCreationOptions.RunContinuationsAsynchronously);
        node.Engine.OnWaitForTree = (_, cancellationToken) => exit.Task.WaitAsync(cancellationToken);

        var waiting = node.Client.WaitForTreeAsync("op1", node.Deadline);
        var running = await node.Client.GetTreeAsync("op1", node.Deadline);
        exit.SetResult(new TreeExit(null, 9));

        Assert.True(running.Running);
        Assert.Equal(new TreeExit(null, 9), await waiting);
        Assert.Equal(137, (await node.Client.GetTreeAsync("op1", node.Deadline)).Exit!.ShellCode);
    }

    [Fact]
    public async Task A_round_of_the_long_poll_ends_when_its_time_is_up()
    {
        await using var node = await NodeFixture.StartAsync();
        node.Engine.OnWaitForTree = async (_, cancellationToken) =>
        {
            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }
            catch (OperationCanceledException e)
            {
                throw new OperationCancelledException("cancelled", "as the engine does", null, e);
            }

            return new TreeExit(0, null);
        };
        using var http = Http.Over(node.Socket);

        using var response = await http.GetAsync("/v1/trees/op1/exit?timeout=1", node.Deadline);

        var tree = await response.JsonAsync();
        Assert.True(tree.GetProperty("running").GetBoolean());
    }

    [Fact]
    public async Task A_caller_that_leaves_ends_the_wait_in_the_engine()
    {
        await using var node = await NodeFixture.StartAsync();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        node.Engine.OnWaitForTree = async (_, cancellationToken) =>
        {
            began.SetResult();
            cancellationToken.Register(ended.SetResult);
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return new TreeExit(0, null);
        };
        using var leave = new CancellationTokenSource();
        var waiting = node.Client.WaitForTreeAsync("op1", leave.Token);
        await began.Task.WaitAsync(node.Deadline);

        await leave.CancelAsync();

        await ended.Task.WaitAsync(node.Deadline);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public async Task A_signal_reaches_the_engine()
    {
        await using var node = await NodeFixture.StartAsync();

        await node.Client.SignalTreeAsync("op1", 15, node.Deadline);
        var error = await Assert.ThrowsAsync<UsageException>(() => node.Client.SignalTreeAsync("op1", 65, node.Deadline));

        Assert.Equal("bad-request", error.Code);
        Assert.Equal(["signal op1 15"], node.Engine.Calls);
    }

    [Theory]
    [InlineData("..")]
    [InlineData("%2e%2e%2fetc")]
    [InlineData("a%00b")]
    [InlineData("a.b")]
    public async Task A_name_that_is_no_operations_name_never_reaches_the_engine(string name)
    {
        await using var node = await NodeFixture.StartAsync();
        var reached = false;
        node.Engine.OnWaitForTree = (_, _) =>
        {
            reached = true;
            return Task.FromResult(new TreeExit(0, null));
        };
        using var http = Http.Over(node.Socket);

        using var response = await http.GetAsync($"/v1/trees/{name}/exit", node.Deadline);

        Assert.True((int)response.StatusCode is 400 or 404, response.StatusCode.ToString());
        Assert.False(reached);
    }
}
