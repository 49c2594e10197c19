namespace Checkpointer.Engine.Tests.Operations;

public sealed class RequestCheckTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    [InlineData(90_000)]
    public void A_frozen_time_that_the_hook_does_not_take_is_refused(double seconds)
    {
        var error = Assert.Throws<UsageException>(() => RequestCheck.Check("op-1", Request() with { MaxFrozenSeconds = seconds }));

        Assert.Equal("max-frozen-range", error.Code);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_timeout_that_no_timer_takes_is_refused(double seconds)
    {
        var error = Assert.Throws<UsageException>(() => RequestCheck.Check("op-1", Request() with { TimeoutSeconds = seconds }));

        Assert.Equal("timeout-range", error.Code);
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("../a")]
    [InlineData("-x")]
    public void An_id_that_is_no_file_name_is_refused(string id)
    {
        Assert.Equal("operation-id", Assert.Throws<UsageException>(() => RequestCheck.Check(id, Request())).Code);
    }

    [Fact]
    public void The_defaults_pass() => RequestCheck.Check("0a1b2c", Request());

    private static CheckpointRequest Request() => new() { Pid = 1, Repository = "/r", KeyFile = "/k" };
}
