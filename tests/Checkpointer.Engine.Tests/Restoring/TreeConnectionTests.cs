using Checkpointer.Engine.Restoring;

namespace Checkpointer.Engine.Tests.Restoring;

public sealed class TreeConnectionTests
{
    [Theory]
    [InlineData("exited 0", 0)]
    [InlineData("exited 42", 42)]
    [InlineData("signalled 9", 137)]
    public void An_end_is_read_as_a_shell_would_tell_it(string line, int code) =>
        Assert.Equal(code, TreeConnection.ParseExit(line)?.ShellCode);

    [Theory]
    [InlineData("")]
    [InlineData("exited")]
    [InlineData("exited x")]
    [InlineData("status running 7")]
    [InlineData("criu 0")]
    public void Anything_else_is_no_end(string line) => Assert.Null(TreeConnection.ParseExit(line));
}
