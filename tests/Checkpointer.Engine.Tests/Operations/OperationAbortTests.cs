using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Engine.Tests.Operations;

public sealed class OperationAbortTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void The_first_reason_wins()
    {
        using var abort = new OperationAbort(null, _time, CancellationToken.None);
        abort.Abort(new OperationFailedException("first", "1"));
        abort.Abort(new OperationFailedException("second", "2"));

        Assert.Equal("first", Assert.Throws<OperationFailedException>(abort.ThrowIfAborted).Code);
        Assert.True(abort.Token.IsCancellationRequested);
    }

    [Fact]
    public void The_deadline_aborts_with_its_length()
    {
        using var abort = new OperationAbort(90, _time, CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(89));
        Assert.Null(abort.Reason);
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal("timeout", Assert.IsType<OperationFailedException>(abort.Reason).Code);
    }

    [Fact]
    public void A_reason_that_comes_after_the_end_harms_nobody()
    {
        var abort = new OperationAbort(null, _time, CancellationToken.None);
        abort.Dispose();

        abort.Abort(new OperationFailedException("late", "1"));

        Assert.NotNull(abort.Reason);
    }

    [Fact]
    public void A_person_who_cancels_gets_the_exit_code_of_cancellation()
    {
        using var person = new CancellationTokenSource();
        using var abort = new OperationAbort(null, _time, person.Token);
        person.Cancel();

        Assert.Equal(ExitCode.Cancelled, Assert.IsType<OperationCancelledException>(abort.Reason).ExitCode);
    }
}
