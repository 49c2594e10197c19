using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Engine.Tests.Operations;

public sealed class PhaseClockTests
{
    [Fact]
    public void Phases_remainder_and_total_add_up()
    {
        var time = new FakeTimeProvider();
        var clock = new PhaseClock(time);
        time.Advance(TimeSpan.FromMilliseconds(5));
        clock.Enter("dump");
        time.Advance(TimeSpan.FromMilliseconds(100));
        clock.Enter("commit");
        time.Advance(TimeSpan.FromMilliseconds(20));
        clock.Enter("dump");
        time.Advance(TimeSpan.FromMilliseconds(1));

        var timings = clock.Finish();

        Assert.Equal(101, timings["dump"]);
        Assert.Equal(20, timings["commit"]);
        Assert.Equal(5, timings["unaccounted"]);
        Assert.Equal(126, timings["total"]);
    }
}
