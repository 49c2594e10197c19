using System.Runtime.InteropServices;
using Checkpointer.Cli.Tests.Support;
using Checkpointer.Engine;

namespace Checkpointer.Cli.Tests.Running;

public sealed class InterruptTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(PosixSignal.SIGINT)]
    [InlineData(PosixSignal.SIGTERM)]
    [InlineData(PosixSignal.SIGHUP)]
    public async Task A_signal_cancels_and_the_rollback_is_waited_for(PosixSignal signal)
    {
        using var cli = new TestCli();
        var rolledBack = false;
        var started = new TaskCompletionSource();
        cli.Embedded.OnCheckpoint = async (_, _, cancellationToken) =>
        {
            started.SetResult();
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                await Task.Delay(50, CancellationToken.None);
                rolledBack = true;
            }

            throw new OperationCancelledException("cancelled", "the checkpoint was cancelled") { Workload = WorkloadState.Running };
        };

        var run = cli.RunAsync("checkpoint", "--pid", "1", "--repo", "/srv/x");
        await started.Task.WaitAsync(Patience);
        cli.Interrupts.Raise(signal);
        cli.Interrupts.Raise(signal);

        Assert.Equal(130, await run.WaitAsync(Patience));
        Assert.True(rolledBack);
        Assert.Contains("cancelling", cli.ErrLines[0], StringComparison.Ordinal);
        Assert.Equal("state: the workload runs; no snapshot was made", cli.ErrLines[^1]);
    }

    [Theory]
    [InlineData(PosixSignal.SIGINT, 2)]
    [InlineData(PosixSignal.SIGTERM, 15)]
    [InlineData(PosixSignal.SIGHUP, 1)]
    public async Task An_attached_restore_hands_signals_on_and_ends_as_the_tree_does(PosixSignal signal, int number)
    {
        using var cli = new TestCli();
        var waiting = new TaskCompletionSource();
        var exit = new TaskCompletionSource<TreeExit>();
        cli.Embedded.OnWait = async cancellationToken =>
        {
            waiting.SetResult();
            return await exit.Task.WaitAsync(cancellationToken);
        };
        cli.Embedded.OnSignal = sent =>
        {
            exit.SetResult(new TreeExit(null, sent));
            return Task.CompletedTask;
        };

        var run = cli.RunAsync("restore", "3f9c", "--repo", "/srv/x", "--wait", "--json");
        await waiting.Task.WaitAsync(Patience);
        cli.Json();
        cli.Interrupts.Raise(signal);

        Assert.Equal(128 + number, await run.WaitAsync(Patience));
        Assert.Equal([("01jdk3v8q2m4x7ya", number)], cli.Embedded.Signals);
        Assert.Equal($"the workload was ended by signal {number}", cli.ErrLines[^1]);
        Assert.False(cli.Interrupts.Token.IsCancellationRequested);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(130)]
    public async Task An_attached_restore_ends_with_the_exit_code_of_the_tree(int code)
    {
        using var cli = new TestCli();
        cli.Embedded.OnWait = _ => Task.FromResult(new TreeExit(code, null));
        Assert.Equal(code, await cli.RunAsync("restore", "3f9c", "--repo", "/srv/x", "--wait"));
        Assert.Equal($"the workload ended with exit code {code}", cli.ErrLines[^1]);
    }

    [Fact]
    public async Task A_signal_that_does_not_arrive_is_told_and_the_wait_goes_on()
    {
        using var cli = new TestCli();
        var waiting = new TaskCompletionSource();
        var exit = new TaskCompletionSource<TreeExit>();
        cli.Embedded.OnWait = _ =>
        {
            waiting.SetResult();
            return exit.Task;
        };
        cli.Embedded.OnSignal = _ => throw new OperationFailedException("tree-not-found", "the owner does not answer");

        var run = cli.RunAsync("restore", "3f9c", "--repo", "/srv/x", "--wait");
        await waiting.Task.WaitAsync(Patience);
        cli.Interrupts.Raise(PosixSignal.SIGTERM);
        exit.SetResult(new TreeExit(3, null));

        Assert.Equal(3, await run.WaitAsync(Patience));
        Assert.Contains("warning: signal 15 did not reach the workload: the owner does not answer", cli.Err, StringComparison.Ordinal);
    }
}
