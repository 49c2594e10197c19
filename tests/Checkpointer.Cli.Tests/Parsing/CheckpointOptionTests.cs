using Checkpointer.Cli.Tests.Support;
using Checkpointer.Engine;

namespace Checkpointer.Cli.Tests.Parsing;

public sealed class CheckpointOptionTests
{
    [Fact]
    public async Task Every_option_reaches_the_request()
    {
        using var cli = new TestCli();
        var code = await cli.RunAsync(
            "checkpoint", "--pid", "4711", "--repo", "/srv/x", "--key-file", "/k", "--leave-running", "--name", "training",
            "--label", "team=vision", "--label", "run=a=b", "--memory", "64M", "--timeout", "10m", "--max-frozen", "1m30s",
            "--include", "/var/tmp/a", "--include", "/var/tmp/b", "--full", "--force",
            "--criu-option", "ghost-limit=64M", "--criu-option", "file-locks=no");

        Assert.Equal(0, code);
        var request = Assert.Single(cli.Embedded.Checkpoints);
        Assert.Equal(4711, request.Pid);
        Assert.Equal("/srv/x", request.Repository);
        Assert.Equal("/k", request.KeyFile);
        Assert.True(request.LeaveRunning);
        Assert.Equal("training", request.Name);
        Assert.Equal(new Dictionary<string, string> { ["team"] = "vision", ["run"] = "a=b" }, request.Labels);
        Assert.Equal(64L << 20, request.MemoryBytes);
        Assert.Equal(600, request.TimeoutSeconds);
        Assert.Equal(90, request.MaxFrozenSeconds);
        Assert.Equal(["/var/tmp/a", "/var/tmp/b"], request.Include);
        Assert.True(request.Full);
        Assert.True(request.Force);
        Assert.Equal(new Dictionary<string, string> { ["ghost-limit"] = "64M", ["file-locks"] = "no" }, request.CriuOptions);
    }

    [Fact]
    public async Task Without_options_the_defaults_of_the_contract_hold()
    {
        using var cli = new TestCli();
        await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "/srv/x");

        var request = Assert.Single(cli.Embedded.Checkpoints);
        Assert.False(request.LeaveRunning);
        Assert.Null(request.Name);
        Assert.Empty(request.Labels);
        Assert.Equal(CheckpointRequest.DefaultMemoryBytes, request.MemoryBytes);
        Assert.Equal(512L << 20, request.MemoryBytes);
        Assert.Null(request.TimeoutSeconds);
        Assert.Equal(300, request.MaxFrozenSeconds);
        Assert.Empty(request.Include);
        Assert.False(request.Full);
        Assert.Empty(request.CriuOptions);
        Assert.False(request.Force);
        Assert.Equal("/etc/checkpointer/repository.key", request.KeyFile);
    }

    [Fact]
    public async Task An_included_path_is_made_absolute()
    {
        using var cli = new TestCli();
        await cli.RunAsync("checkpoint", "--pid", "1", "--repo", "/srv/x", "--include", "state.db");
        Assert.Equal([Path.GetFullPath("state.db")], cli.Embedded.Checkpoints[0].Include);
    }

    [Fact]
    public async Task A_dry_run_is_a_preflight_and_needs_no_repository()
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("checkpoint", "--pid", "4711", "--dry-run"));
        Assert.Empty(cli.Embedded.Checkpoints);
        Assert.Equal(4711, Assert.Single(cli.Embedded.Preflights).Pid);
    }

    [Fact]
    public async Task A_dry_run_asks_with_the_options_that_would_count()
    {
        using var cli = new TestCli();

        await cli.RunAsync("checkpoint", "--pid", "4711", "--dry-run", "--leave-running", "--criu-option", "file-locks=no", "--include", "/var/tmp/a");

        var options = Assert.Single(cli.Embedded.Preflights).Options();
        Assert.True(options.LeaveRunning);
        Assert.Equal(new Dictionary<string, string> { ["file-locks"] = "no" }, options.CriuOptions);
        Assert.Equal(["/var/tmp/a"], options.Include);
    }
}
