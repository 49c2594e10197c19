namespace Checkpointer.Platform.Tests;

public class DurationsTests
{
    [Theory]
    [InlineData("90s", 90_000)]
    [InlineData("90", 90_000)]
    [InlineData("5m", 300_000)]
    [InlineData("1h30m", 5_400_000)]
    [InlineData("500ms", 500)]
    [InlineData("1.5s", 1_500)]
    [InlineData("2d", 172_800_000)]
    [InlineData("0s", 0)]
    public void A_duration_is_read(string text, int milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), Durations.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("5x")]
    [InlineData("5m3")]
    [InlineData("1 h")]
    [InlineData("1..5s")]
    [InlineData("99999999999999999999d")]
    [InlineData("2147483647d")]
    public void What_is_no_duration_is_wrong_usage(string text) =>
        Assert.Equal("bad-duration", Assert.Throws<UsageException>(() => Durations.Parse(text)).Code);

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(500, "500ms")]
    [InlineData(1_500, "1.5s")]
    [InlineData(59_999, "59.999s")]
    [InlineData(60_000, "1m")]
    [InlineData(5_400_000, "1h30m")]
    [InlineData(90_061_000, "1d1h1m1s")]
    public void What_is_written_is_read_back(int milliseconds, string text)
    {
        TimeSpan duration = TimeSpan.FromMilliseconds(milliseconds);
        Assert.Equal(text, Durations.Format(duration));
        Assert.Equal(duration, Durations.Parse(text));
    }

    [Fact]
    public void The_extremes_can_be_written()
    {
        Assert.StartsWith("-", Durations.Format(TimeSpan.MinValue), StringComparison.Ordinal);
        Assert.StartsWith("10675199d", Durations.Format(TimeSpan.MaxValue), StringComparison.Ordinal);
    }
}
