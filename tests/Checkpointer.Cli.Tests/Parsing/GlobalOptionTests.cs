using Checkpointer.Cli.Tests.Support;

namespace Checkpointer.Cli.Tests.Parsing;

public sealed class GlobalOptionTests
{
    [Fact]
    public async Task The_environment_stands_in_for_options()
    {
        using var cli = new TestCli();
        cli.Environment["CHECKPOINTER_REPO"] = "/srv/env";
        cli.Environment["CHECKPOINTER_KEY_FILE"] = "/env/key";
        cli.Environment["CHECKPOINTER_STATE_DIR"] = "/env/state";
        cli.Environment["CHECKPOINTER_RUN_DIR"] = "/env/run";
        cli.Environment["CHECKPOINTER_CRIU"] = "/env/criu";
        await cli.RunAsync("checkpoint", "--pid", "1");

        var request = Assert.Single(cli.Embedded.Checkpoints);
        Assert.Equal("/srv/env", request.Repository);
        Assert.Equal("/env/key", request.KeyFile);
        Assert.Equal("/env/state", cli.Seen!.StateDirectory);
        Assert.Equal("/env/run", cli.Seen.RunDirectory);
        Assert.Equal("/env/criu", cli.Seen.CriuPath);
    }

    [Fact]
    public async Task An_option_wins_over_its_variable()
    {
        using var cli = new TestCli();
        cli.Environment["CHECKPOINTER_REPO"] = "/srv/env";
        cli.Environment["CHECKPOINTER_KEY_FILE"] = "/env/key";
        cli.Environment["CHECKPOINTER_SOCKET"] = "/env/socket";
        cli.Services.Add("/opt/socket");
        await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "/srv/opt", "--key-file", "/opt/key", "--socket", "/opt/socket");

        var request = Assert.Single(cli.Service.Checkpoints);
        Assert.Equal("/srv/opt", request.Repository);
        Assert.Equal("/opt/key", request.KeyFile);
    }

    [Fact]
    public async Task Global_options_may_stand_before_the_verb()
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("--repo", "/srv/x", "--json", "checkpoint", "--pid", "1"));
        Assert.Equal("/srv/x", Assert.Single(cli.Embedded.Checkpoints).Repository);
        cli.Json();
    }

    [Fact]
    public async Task A_relative_repository_is_made_absolute_and_a_url_is_not()
    {
        using var cli = new TestCli();
        await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "./here");
        await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "https://account.blob.core.windows.net/c");
        Assert.Equal(
            [Path.GetFullPath("here"), "https://account.blob.core.windows.net/c"], cli.Embedded.Checkpoints.Select(c => c.Repository));
    }

    [Theory]
    [InlineData("list")]
    [InlineData("show", "3f9c")]
    [InlineData("delete", "3f9c")]
    [InlineData("check")]
    [InlineData("init")]
    [InlineData("checkpoint", "--pid", "1")]
    [InlineData("restore", "3f9c")]
    [InlineData("preflight", "3f9c")]
    public async Task Without_a_repository_the_error_says_how_to_name_one(params string[] arguments)
    {
        using var cli = new TestCli();
        Assert.Equal(2, await cli.RunAsync(arguments));
        Assert.Equal(
            [
                "error: no repository is named",
                "remedy: Give it with --repo, for example --repo /srv/checkpoints, or set CHECKPOINTER_REPO.",
            ],
            cli.ErrLines);
        Assert.Null(cli.Seen);
    }

    [Theory]
    [InlineData("checkpoint", "--pid", "1", "--repo", "/srv/x")]
    [InlineData("restore", "3f9c", "--repo", "/srv/x")]
    [InlineData("preflight", "--pid", "1")]
    [InlineData("node")]
    public async Task What_needs_root_says_so(params string[] arguments)
    {
        using var cli = new TestCli { IsRoot = false };
        Assert.Equal(5, await cli.RunAsync(arguments));
        Assert.Contains("needs root", cli.ErrLines[0], StringComparison.Ordinal);
        Assert.Equal("remedy: Run it as root, for example with sudo.", cli.ErrLines[1]);
        Assert.Null(cli.Seen);
    }

    [Fact]
    public async Task A_preflight_of_a_snapshot_needs_no_root()
    {
        using var cli = new TestCli { IsRoot = false };
        Assert.Equal(0, await cli.RunAsync("preflight", "3f9c", "--repo", "/srv/x"));
    }
}
