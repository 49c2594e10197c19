using Checkpointer.Cli.Tests.Support;

namespace Checkpointer.Cli.Tests.Parsing;

public sealed class RestoreOptionTests
{
    [Fact]
    public async Task Every_option_reaches_the_request()
    {
        using var cli = new TestCli();
        var code = await cli.RunAsync(
            "restore", "3f9c", "--repo", "/srv/x", "--key-file", "/k", "--stdin", "/dev/null", "--stdout", "out", "--stderr", "inherit",
            "--cgroup", "/jobs/a", "--gpu", "a=b", "--gpu", "c=d", "--memory", "1G", "--timeout", "30s", "--force");

        Assert.Equal(0, code);
        var request = Assert.Single(cli.Embedded.Restores);
        Assert.Equal("3f9c", request.Snapshot);
        Assert.Null(request.Latest);
        Assert.Equal("/srv/x", request.Repository);
        Assert.Equal("/k", request.KeyFile);
        Assert.Equal("/dev/null", request.Stdin);
        Assert.Equal(Path.GetFullPath("out"), request.Stdout);
        Assert.Equal("inherit", request.Stderr);
        Assert.Equal("/jobs/a", request.Cgroup);
        Assert.Equal(1L << 30, request.MemoryBytes);
        Assert.Equal(30, request.TimeoutSeconds);
        Assert.Equal(["a=b", "c=d"], request.Gpus);
        Assert.True(request.Force);
    }

    [Fact]
    public async Task The_newest_is_asked_for_by_name()
    {
        using var cli = new TestCli();
        await cli.RunAsync("restore", "--latest", "training", "--repo", "/srv/x");
        var request = Assert.Single(cli.Embedded.Restores);
        Assert.Null(request.Snapshot);
        Assert.Equal("training", request.Latest);
    }

    [Theory]
    [InlineData("restore")]
    [InlineData("restore", "3f9c", "--latest", "training")]
    public async Task Either_a_snapshot_or_a_name_is_needed(params string[] arguments)
    {
        using var cli = new TestCli();
        Assert.Equal(2, await cli.RunAsync(arguments));
        Assert.Empty(cli.Embedded.Restores);
    }

    [Fact]
    public async Task Inherited_streams_need_the_engine_in_this_process()
    {
        using var cli = new TestCli();
        cli.Services.Add(Settings.DefaultSocket);
        Assert.Equal(2, await cli.RunAsync("restore", "3f9c", "--repo", "/srv/x", "--stdout", "inherit"));
        Assert.Empty(cli.Service.Restores);
        Assert.Contains("--embedded", cli.Err, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dry_run_is_a_preflight_of_the_snapshot()
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("restore", "3f9c", "--repo", "/srv/x", "--dry-run"));
        Assert.Empty(cli.Embedded.Restores);
        Assert.Equal("3f9c", Assert.Single(cli.Embedded.Preflights).Snapshot);
    }

    [Fact]
    public async Task A_dry_run_of_the_latest_is_judged_as_the_latest_by_whoever_would_restore_it()
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("restore", "--latest", "training", "--repo", "/srv/x", "--dry-run"));
        Assert.Empty(cli.Embedded.Restores);
        var asked = Assert.Single(cli.Embedded.Preflights);
        Assert.Equal((null, "training"), (asked.Snapshot, asked.Latest));
    }

    [Fact]
    public async Task A_dry_run_asks_about_the_place_that_is_named()
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("restore", "3f9c", "--repo", "/srv/x", "--dry-run", "--into", "default/web-1/server", "--gpu", "GPU-1=GPU-2"));
        Assert.Equal(0, await cli.RunAsync("restore", "3f9c", "--repo", "/srv/x", "--dry-run", "--create"));
        Assert.Empty(cli.Embedded.Restores);
        Assert.Equal(
            [("default/web-1/server", false, "GPU-1=GPU-2"), (null, true, null)],
            cli.Embedded.Preflights.Select(static p => (p.Into, p.Create, p.Gpus.SingleOrDefault())));
    }
}
