using Checkpointer.Engine.Criu;

namespace Checkpointer.Engine.Tests.Criu;

public sealed class TimerImageTests
{
    // An entry of files.img: type TIMERFD (17), id 7, field 18: id, flags, clockid, ticks, settime_flags, vsec, vnsec, isec, insec.
    private static readonly byte[] Before = [1, 2, 3, 4, 5, 6, 7, 8, 25, 0, 0, 0, 0x08, 17, 0x10, 7, 0x92, 0x01, 18];
    private static readonly byte[] Timer = [0x08, 7, 0x10, 0, 0x18, 1, 0x28, 1, 0x30, 0, 0x38, 0, 0x40, 0, 0x48, 0, 0x50, 50];
    private const int Seconds = 11;
    private const int Nanoseconds = 13;
    private const int Interval = 17;

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
    [InlineData(Interval, 0)]
    public void A_timer_that_runs_or_was_stopped_stays(int place, byte value)
    {
        byte[] image = Image(timer => timer[place] = value);
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
