using Checkpointer.Engine.Recovery;
using Checkpointer.Engine.Tests.Support;

namespace Checkpointer.Engine.Tests.Recovery;

public sealed class NetworkLockTests
{
    [Theory]
    [InlineData("(00.000000) CRIU run id = fd9c6520-670d-4266-97de-1cb9397bf8a8\n(00.1) more", "CRIU-fd9c6520-670d-4266-97")]
    [InlineData("(00.000000) CRIU run id = fd9c65", null)]
    [InlineData("(00.000000) CRIU run id = ../../../../etc/passwd-and-more", null)]
    [InlineData("(00.000000) Error: nothing\n", null)]
    [InlineData("", null)]
    public void The_table_is_named_after_the_run_that_the_log_tells(string log, string? table)
    {
        using var directory = new TemporaryDirectory();
        var path = Path.Combine(directory.Path, "dump.log");
        File.WriteAllText(path, log);
        Assert.Equal(table, NetworkLock.TableOf(path));
    }

    [Fact]
    public void Without_a_log_there_is_no_table()
    {
        Assert.Null(NetworkLock.TableOf("/nonexistent/dump.log"));
    }
}
