using Checkpointer.Engine.Criu;

namespace Checkpointer.Engine.Tests.Criu;

public sealed class TimerImageTests
{
    // As CRIU 4.2.1 writes it, an entry of type TIMERFD (17), id 6; in field 12: id, flags, owner, clockid, ticks, settime_flags, vsec, vnsec, isec, insec.
    private static readonly byte[] Before = [1, 2, 3, 4, 5, 6, 7, 8, 39, 0, 0, 0, 0x08, 0x11, 0x10, 6, 0x62, 33];
    private static readonly byte[] Timer = Convert.FromHexString("080610021a0a0800100018002000280020012801300038004000480050" + "80e1eb17");
    private const int Seconds = 23;
    private const int Nanoseconds = 25;

    [Fact]
    public void A_periodic_timer_that_has_expired_is_armed_without_moving_a_byte()
    {
        byte[] expected = Image(static _ => { });
        expected[Before.Length + Nanoseconds] = 1;
        Assert.Equal(expected, TimerImage.WithExpiredTimersArmed(Image(static _ => { })));
    }

    [Theory]
    [InlineData(Seconds, 3)]
    [InlineData(Nanoseconds, 9)]
    public void A_timer_that_runs_stays(int place, byte value)
    {
        byte[] image = Image(timer => timer[place] = value);
        Assert.Equal(image, TimerImage.WithExpiredTimersArmed(image));
    }

    [Fact]
    public void A_timer_without_an_interval_stays()
    {
        byte[] image = Image(static timer => timer.AsSpan(29).Clear());
        Assert.Equal(image, TimerImage.WithExpiredTimersArmed(image));
    }

    [Fact]
    public void An_image_that_is_cut_is_left_to_CRIU()
    {
        byte[] whole = Image(static _ => { });
        for (int i = 0; i < whole.Length; i++)
        {
            byte[] cut = whole[..i];
            Assert.Equal(cut, TimerImage.WithExpiredTimersArmed(cut));
        }
    }

    private static byte[] Image(Action<byte[]> change)
    {
        byte[] timer = [.. Timer];
        change(timer);
        return [.. Before, .. timer];
    }
}
