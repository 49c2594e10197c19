using Checkpointer.Engine.Preflight;
using Checkpointer.Engine.Restoring;

namespace Checkpointer.Engine.Tests.Restoring;

public sealed class StdioMappingTests
{
    private static readonly RestoreRequest Plain = new() { Repository = "/r", KeyFile = "/k" };

    [Fact]
    public void Output_without_a_place_goes_to_the_log() =>
        Assert.Equal(["--map", "pipe:[7]=log"], StdioMapping.Arguments([End(StdioKind.Pipe, StdioDirection.Write, "pipe:[7]", 1)], Plain));

    [Fact]
    public void Input_without_a_place_is_empty() =>
        Assert.Equal(["--map", "pipe:[7]=null-r"], StdioMapping.Arguments([End(StdioKind.Pipe, StdioDirection.Read, "pipe:[7]", 0)], Plain));

    [Fact]
    public void A_terminal_becomes_a_terminal() =>
        Assert.Equal(["--map", "tty[8803:2d]=pty"], StdioMapping.Arguments([End(StdioKind.Tty, StdioDirection.Both, "tty[8803:2d]", 0)], Plain));

    [Fact]
    public void What_the_person_said_wins() => Assert.Equal(
        ["--map", "pipe:[7]=file-w:/tmp/out", "--map", "pipe:[8]=file-r:/tmp/in"],
        StdioMapping.Arguments(
            [End(StdioKind.Pipe, StdioDirection.Write, "pipe:[7]", 1), End(StdioKind.Pipe, StdioDirection.Read, "pipe:[8]", 0)],
            Plain with { Stdout = "/tmp/out", Stdin = "/tmp/in" }));

    [Fact]
    public void A_terminal_does_not_become_a_file() => Assert.Equal(
        "stdio-is-terminal",
        Assert.Throws<UsageException>(() => StdioMapping.Arguments(
            [End(StdioKind.Tty, StdioDirection.Both, "tty[8803:2d]", 1)], Plain with { Stdout = "/tmp/out" })).Code);

    [Fact]
    public void One_terminal_for_all_streams_obeys_the_stream_that_was_named()
    {
        var terminal = End(StdioKind.Tty, StdioDirection.Both, "tty[8803:2d]", 0) with
        {
            Descriptors = [new FdReference(100, 0), new FdReference(100, 1), new FdReference(100, 2)],
        };
        Assert.Equal(
            ["--map", $"tty[8803:2d]=file-w:/proc/{Environment.ProcessId}/fd/1"],
            StdioMapping.Arguments([terminal], Plain with { Stdout = "inherit" }));
        Assert.Throws<UsageException>(() => StdioMapping.Arguments([terminal], Plain with { Stdout = "/tmp/out" }));
    }

    private static StdioEnd End(StdioKind kind, StdioDirection direction, string key, int fd) => new()
    {
        Kind = kind,
        Direction = direction,
        Key = key,
        Descriptors = [new FdReference(100, fd)],
        Description = key,
    };
}
