using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Engine.Tests.Operations;

public sealed class WatchdogTests : IDisposable
{
    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(60);

    private readonly FakeTimeProvider _time = new();
    private readonly OperationAbort _abort;
    private long _advance;
    private int _reports;

    public WatchdogTests()
    {
        _abort = new OperationAbort(null, _time, CancellationToken.None);
    }

    public void Dispose() => _abort.Dispose();

    [Fact]
    public void A_stream_that_moves_lives()
    {
        using var watchdog = Start();
        for (var i = 0; i < 10; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(30));
            _advance++;
        }

        Assert.Null(_abort.Reason);
        Assert.True(_reports > 100);
    }

    [Fact]
    public void A_stream_that_stands_still_is_aborted()
    {
        using var watchdog = Start();
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.Null(_abort.Reason);
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal("stalled", Assert.IsType<OperationFailedException>(_abort.Reason).Code);
    }

    [Fact]
    public void A_workload_that_is_frozen_too_long_is_let_go_even_while_bytes_move()
    {
        using var watchdog = Start();
        watchdog.Frozen(TimeSpan.FromSeconds(5));
        for (var i = 0; i < 6; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _advance++;
        }

        Assert.Equal("frozen-too-long", Assert.IsType<OperationFailedException>(_abort.Reason).Code);
    }

    [Fact]
    public void A_workload_that_was_released_in_time_is_not()
    {
        using var watchdog = Start();
        watchdog.Frozen(TimeSpan.FromSeconds(5));
        _time.Advance(TimeSpan.FromSeconds(4));
        watchdog.Released();
        _time.Advance(TimeSpan.FromSeconds(30));

        Assert.Null(_abort.Reason);
    }

    private Watchdog Start() => new(_time, _abort, Stall, () => _advance, () => _reports++);
}
