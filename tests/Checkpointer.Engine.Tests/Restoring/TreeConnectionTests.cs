using Checkpointer.Engine.Restoring;
using Checkpointer.Engine.Tests.Support;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.Restoring;

public sealed class TreeConnectionTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TemporaryDirectory _place = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _place.Dispose();

    [Fact]
    public void An_owner_that_ends_with_our_line_unread_is_gone()
    {
        using var listener = UnixListener.Bind(_place.File("init.sock"));
        using var connection = TreeConnection.TryConnect(_place.Path, Token)!;
        connection.Send("status");
        listener.Accept(Patience, Token).Dispose(); // this resets the connection
        Assert.Null(connection.ReadLine(Token));
    }

    [Fact]
    public void An_owner_that_has_ended_is_told_by_the_next_line_and_not_by_what_is_said_to_it()
    {
        using var listener = UnixListener.Bind(_place.File("init.sock"));
        using var connection = TreeConnection.TryConnect(_place.Path, Token)!;
        listener.Accept(Patience, Token).Dispose();
        connection.Send("abandon");
        Assert.Null(connection.ReadLine(Token));
    }

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
