using Checkpointer.Cli.Tests.Support;

namespace Checkpointer.Cli.Tests.Parsing;

public sealed class UsageErrorTests
{
    [Theory]
    [InlineData("lst", "unknown verb 'lst'", "Did you mean 'list'? See 'checkpointer --help'.")]
    [InlineData("chekpoint --pid 4", "unknown verb 'chekpoint'", "Did you mean 'checkpoint'? See 'checkpointer --help'.")]
    [InlineData("xyzzy", "unknown verb 'xyzzy'", "See 'checkpointer --help'.")]
    [InlineData("node sho", "unknown verb 'sho'", "Did you mean 'show'? See 'checkpointer node --help'.")]
    [InlineData("--bar", "unknown option --bar for 'checkpointer'", "See 'checkpointer --help'.")]
    [InlineData("list --foo", "unknown option --foo for 'checkpointer list'", "See 'checkpointer list --help'.")]
    [InlineData("list --foo=bar", "unknown option --foo for 'checkpointer list'", "See 'checkpointer list --help'.")]
    [InlineData("restore --latets training", "unknown option --latets for 'checkpointer restore'", "Did you mean --latest? See 'checkpointer restore --help'.")]
    [InlineData("delete --force --repo /x", "unknown option --force for 'checkpointer delete'", "See 'checkpointer delete --help'.")]
    [InlineData("operations --folow", "unknown option --folow for 'checkpointer operations'", "Did you mean --follow? See 'checkpointer operations --help'.")]
    [InlineData("repository validate --fast", "unknown option --fast for 'checkpointer repository validate'", "See 'checkpointer repository validate --help'.")]
    [InlineData("export 3f9c --to /x", "unknown option --to for 'checkpointer export'", "See 'checkpointer export --help'.")]
    [InlineData(
        "checkpoint --lable a=b",
        "unknown option --lable for 'checkpointer checkpoint'",
        "Did you mean --label? See 'checkpointer checkpoint --help'.")]
    [InlineData(
        "checkpoint --containr web", "unknown option --containr for 'checkpointer checkpoint'", "Did you mean --container? See 'checkpointer checkpoint --help'.")]
    [InlineData(
        "checkpoint --pid abc", "--pid: 'abc' is not a process id; for example --pid 4711", "See 'checkpointer checkpoint --help'.")]
    [InlineData("checkpoint --pid 0", "--pid: '0' is not a process id; for example --pid 4711", "See 'checkpointer checkpoint --help'.")]
    [InlineData("checkpoint --pid -1", "--pid: '-1' is not a process id; for example --pid 4711", "See 'checkpointer checkpoint --help'.")]
    [InlineData("checkpoint --pid", "--pid needs a value; for example --pid 4711", "See 'checkpointer checkpoint --help'.")]
    [InlineData(
        "checkpoint --pid --name counter",
        "--pid: '--name' is not a process id; for example --pid 4711",
        "See 'checkpointer checkpoint --help'.")]
    [InlineData(
        "checkpoint --name --pid 5",
        "--name: '--pid' is an option and not a value; for example --name training",
        "See 'checkpointer checkpoint --help'.")]
    [InlineData(
        "checkpoint --pid 1 --pid 2",
        "--pid is given 2 times; give it once, for example --pid 4711",
        "See 'checkpointer checkpoint --help'.")]
    [InlineData(
        "checkpoint --memory lots", "--memory: 'lots' is not a size; for example --memory 512M", "See 'checkpointer checkpoint --help'.")]
    [InlineData(
        "checkpoint --timeout soon",
        "--timeout: 'soon' is not a duration; for example --timeout 10m",
        "See 'checkpointer checkpoint --help'.")]
    [InlineData(
        "checkpoint --max-frozen 0s",
        "--max-frozen: '0s' is no time at all; for example --max-frozen 90s",
        "See 'checkpointer checkpoint --help'.")]
    [InlineData(
        "checkpoint --label x", "--label: 'x' is not KEY=VALUE; for example --label team=vision", "See 'checkpointer checkpoint --help'.")]
    [InlineData(
        "checkpoint --label a=1 --label a=2",
        "--label: the key 'a' is given twice; give each key once",
        "See 'checkpointer checkpoint --help'.")]
    [InlineData("checkpoint --name=", "--name: the value behind '=' is empty", "Write a value, or leave the option out.")]
    [InlineData("checkpoint --repo", "--repo needs a value; for example --repo /srv/checkpoints", "See 'checkpointer checkpoint --help'.")]
    [InlineData(
        "checkpoint", "no workload is named", "Give the root of its process tree with --pid, for example --pid 4711, a container with --container or a pod with --pod.")]
    [InlineData(
        "checkpoint --pid 1 --container web",
        "more than one of a process, a container and a pod is named",
        "Give the root of its process tree with --pid, for example --pid 4711, a container with --container or a pod with --pod.")]
    [InlineData("restore a b", "unexpected argument 'b' for 'checkpointer restore'", "See 'checkpointer restore --help'.")]
    [InlineData(
        "restore a --timeout x", "--timeout: 'x' is not a duration; for example --timeout 10m", "See 'checkpointer restore --help'.")]
    [InlineData("show", "'checkpointer show' needs SNAPSHOT", "See 'checkpointer show --help'.")]
    [InlineData("delete", "'checkpointer delete' needs SNAPSHOT", "See 'checkpointer delete --help'.")]
    [InlineData("completion", "'checkpointer completion' needs bash|zsh|fish", "See 'checkpointer completion --help'.")]
    [InlineData(
        "completion tcsh",
        "completion: 'tcsh' is not a shell that we know; for example checkpointer completion bash",
        "See 'checkpointer completion --help'.")]
    [InlineData(
        "preflight",
        "neither a process, a container, a pod nor a snapshot is named",
        "Give either --pid N, for example --pid 4711, or --container NAME, or --pod NAME, or a snapshot's id.")]
    [InlineData(
        "preflight a --pid 1",
        "more than one of a process, a container, a pod and a snapshot is named",
        "Give either --pid N, for example --pid 4711, or --container NAME, or --pod NAME, or a snapshot's id.")]
    [InlineData(
        "operations --follow",
        "--follow needs an operation",
        "Give its id, for example: checkpointer operations 01jdk3v8q2m4x7ya --follow.")]
    [InlineData("help xyzzy", "unknown verb 'xyzzy'", "See 'checkpointer --help'.")]
    [InlineData("--quiet", "'checkpointer' needs a verb", "See 'checkpointer --help'.")]
    public async Task Wrong_usage_is_one_line_and_how_to_do_it_right(string line, string error, string remedy)
    {
        using var cli = new TestCli();
        Assert.Equal(2, await cli.RunAsync(line.Split(' ')));
        Assert.Equal([$"error: {error}", $"remedy: {remedy}"], cli.ErrLines);
        Assert.Equal("", cli.Out);
        Assert.Null(cli.Seen);
    }

    [Fact]
    public async Task With_json_wrong_usage_is_an_object_too()
    {
        using var cli = new TestCli();
        Assert.Equal(2, await cli.RunAsync("checkpoint", "--pid", "abc", "--json"));
        Assert.Equal("usage", cli.Json().GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task Nothing_at_all_shows_the_help_and_is_wrong_usage()
    {
        using var cli = new TestCli();
        Assert.Equal(2, await cli.RunAsync());
        Assert.StartsWith("checkpointer - ", cli.Err, StringComparison.Ordinal);
        Assert.Equal("", cli.Out);
    }

    [Fact]
    public async Task A_response_file_is_not_read()
    {
        using var cli = new TestCli();
        await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "/srv/x", "--name", "@/etc/passwd");
        Assert.Equal("@/etc/passwd", Assert.Single(cli.Embedded.Checkpoints).Name);
    }
}
