namespace Checkpointer.Platform.Tests;

public class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0L)]
    [InlineData("1024", 1024L)]
    [InlineData("64K", 64L << 10)]
    [InlineData("512M", 512L << 20)]
    [InlineData("512MB", 512L << 20)]
    [InlineData("4G", 4L << 30)]
    [InlineData("1.5GiB", 3L << 29)]
    [InlineData(" 2 t ", 2L << 40)]
    [InlineData("1p", 1L << 50)]
    [InlineData("7b", 7L)]
    [InlineData("8191P", 8191L << 50)]
    public void A_size_is_read(string text, long bytes) => Assert.Equal(bytes, ByteSize.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("-1")]
    [InlineData("1X")]
    [InlineData("1KK")]
    [InlineData("5iB")]
    [InlineData("1e3")]
    [InlineData("1,5G")]
    [InlineData("8192P")]
    [InlineData("99999999999999999999999999999999999999P")]
    public void What_is_no_size_is_wrong_usage(string text)
    {
        UsageException error = Assert.Throws<UsageException>(() => ByteSize.Parse(text));
        Assert.Equal("bad-size", error.Code);
        Assert.NotNull(error.Remedy);
    }

    [Theory]
    [InlineData(0L, "0 B")]
    [InlineData(1023L, "1023 B")]
    [InlineData(1536L, "1.5 KiB")]
    [InlineData(512L << 20, "512 MiB")]
    [InlineData((1L << 30) - 1, "1 GiB")]
    [InlineData(long.MaxValue, "8 EiB")]
    [InlineData(-2048L, "-2 KiB")]
    public void A_size_is_written_for_people(long bytes, string text) => Assert.Equal(text, ByteSize.Format(bytes));
}
