using System.Text.Json;
using Checkpointer.Cli.Output;
using Checkpointer.Cli.Tests.Output;
using Checkpointer.Cli.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Cli.Tests.Verbs;

public sealed class ContainersVerbTests
{
    private static FakeTimeProvider Clock => new(DateTimeOffset.UnixEpoch + TimeSpan.FromMinutes(125));

    [Fact]
    public async Task What_runs_is_told_as_a_table()
    {
        using var cli = new TestCli { Time = Clock };
        var app = cli.Runtime.Add("app");
        cli.Runtime.Add("done", "exited");
        Assert.Equal(0, await cli.RunAsync("containers"));
        Assert.Equal(2, cli.OutLines.Length);
        Assert.Equal("CONTAINER POD NAME IMAGE STATE PID AGE PROCESSES MEMORY GPU CHECKPOINTABLE".Split(' '), Words(cli.OutLines[0]));
        Assert.Equal(
            [app.Id[..12], "default/web", "app", "localhost/bb:1", "running", $"{Environment.ProcessId}", "2h5m"], Words(cli.OutLines[1])[..7]);
        Assert.Equal(["no", "yes"], Words(cli.OutLines[1])[^2..]);
    }

    [Fact]
    public async Task All_shows_those_that_do_not_run_without_what_nobody_knows()
    {
        using var cli = new TestCli { Time = Clock };
        cli.Runtime.Add("done", "exited", pod: null, image: "sha256:" + new string('c', 64));
        Assert.Equal(0, await cli.RunAsync("containers", "--all"));
        Assert.Equal(["-", "done", "sha256:cccccccccccc", "exited", "-", "2h5m", "-", "-", "-", "-"], Words(cli.OutLines[1])[1..]);
    }

    [Fact]
    public async Task Json_has_every_field()
    {
        using var cli = new TestCli();
        cli.Runtime.Add("app");
        Assert.Equal(0, await cli.RunAsync("containers", "--json"));
        var container = cli.Json().GetProperty("containers")[0];
        Assert.Equal(
            ("id name pod namespace image imageDigest state created runtime pid processes memoryBytes gpu checkpointable finding problem")
                .Split(' ').Order(),
            JsonShapeTests.Names(container));
        Assert.Equal(64, container.GetProperty("id").GetString()!.Length);
        Assert.Equal("containerd 1.6.20", container.GetProperty("runtime").GetString());
        Assert.Equal(Environment.ProcessId, container.GetProperty("pid").GetInt32());
        Assert.True(container.GetProperty("processes").GetInt32() >= 1);
        Assert.True(container.GetProperty("memoryBytes").GetInt64() > 0);
        Assert.False(container.GetProperty("gpu").GetBoolean());
        Assert.True(container.GetProperty("checkpointable").GetBoolean());
        Assert.Equal(JsonValueKind.Null, container.GetProperty("finding").ValueKind);
    }

    [Fact]
    public async Task One_that_cannot_be_looked_at_takes_nothing_from_the_others()
    {
        using var cli = new TestCli();
        var gone = cli.Runtime.Add("gone");
        cli.Runtime.Add("app");
        cli.Runtime.Problems[gone.Id] = new UsageException("container-not-running", "default/web/gone has\nended");
        Assert.Equal(0, await cli.RunAsync("containers"));
        Assert.Equal(3, cli.OutLines.Length);
        Assert.Equal(["warning: default/web/gone has ended"], cli.ErrLines);
    }

    [Fact]
    public async Task Each_has_its_verdict()
    {
        using var cli = new TestCli();
        var bad = cli.Runtime.Add("bad");
        cli.Runtime.Add("good");
        cli.Embedded.OnPreflight = request => Task.FromResult(Samples.Preflight with
        {
            Findings = request.Container == bad.Id ? [Samples.Note, Samples.Overridable, Samples.Blocker] : [Samples.Note],
        });
        await cli.RunAsync("containers", "--runtime-endpoint", "/run/a.sock");
        Assert.Equal("/run/a.sock", cli.Seen!.RuntimeEndpoint);
        Assert.EndsWith("no: fd 7 of pid 4711: an io_uring instance (io-uring)", cli.OutLines[1], StringComparison.Ordinal);
        Assert.EndsWith("  yes", cli.OutLines[2], StringComparison.Ordinal);
        Assert.True(cli.Embedded.Disposed);
        await cli.RunAsync("containers", "--json");
        var first = cli.Json().GetProperty("containers")[0];
        Assert.False(first.GetProperty("checkpointable").GetBoolean());
        JsonShapeTests.AssertFinding(first.GetProperty("finding"));
        Assert.True(cli.Json().GetProperty("containers")[1].GetProperty("checkpointable").GetBoolean());
    }

    [Fact]
    public async Task Quick_asks_for_no_verdict()
    {
        using var cli = new TestCli();
        cli.Runtime.Add("app");
        cli.Embedded.OnPreflight = _ => throw new InvalidOperationException("asked");
        Assert.Equal(0, await cli.RunAsync("containers", "--quick"));
        Assert.EndsWith("GPU", cli.OutLines[0], StringComparison.Ordinal);
        Assert.Equal(0, await cli.RunAsync("containers", "--quick", "--json"));
        Assert.Equal(JsonValueKind.Null, cli.Json().GetProperty("containers")[0].GetProperty("checkpointable").ValueKind);
    }

    [Fact]
    public async Task An_option_wins_over_the_variable_and_that_over_the_configuration()
    {
        using var directory = new TempDirectory();
        await File.WriteAllTextAsync(directory["config"], """{ "runtimeEndpoint": "unix:///run/c.sock" }""", TestContext.Current.CancellationToken);
        using var cli = new TestCli { ConfigurationFile = directory["config"] };
        await cli.RunAsync("containers");
        Assert.Equal("/run/c.sock", cli.Endpoint);
        cli.Environment["CHECKPOINTER_RUNTIME_ENDPOINT"] = "/run/b.sock";
        await cli.RunAsync("containers");
        Assert.Equal("/run/b.sock", cli.Endpoint);
        await cli.RunAsync("containers", "--runtime-endpoint", "/run/a.sock");
        Assert.Equal("/run/a.sock", cli.Endpoint);
    }

    /// <summary>What is wrong with a place that the command names is wrong usage; with one that the node's configuration names it is not.</summary>
    [Fact]
    public async Task Whether_the_command_named_the_runtime_is_passed_on()
    {
        using var directory = new TempDirectory();
        await File.WriteAllTextAsync(directory["config"], """{ "runtimeEndpoint": "/run/c.sock" }""", TestContext.Current.CancellationToken);
        using var cli = new TestCli { ConfigurationFile = directory["config"] };
        await cli.RunAsync("containers");
        Assert.False(cli.Seen!.RuntimeEndpointGiven);
        await cli.RunAsync("containers", "--runtime-endpoint", "/run/a.sock");
        Assert.True(cli.Seen!.RuntimeEndpointGiven);
        cli.Environment["CHECKPOINTER_RUNTIME_ENDPOINT"] = "/run/b.sock";
        await cli.RunAsync("containers");
        Assert.True(cli.Seen!.RuntimeEndpointGiven);
    }

    [Fact]
    public async Task Nothing_named_leaves_it_to_the_usual_places()
    {
        using var cli = new TestCli();
        Assert.Equal(0, await cli.RunAsync("containers"));
        Assert.Null(cli.Endpoint);
        Assert.Equal(["no containers"], cli.ErrLines);
    }

    [Fact]
    public async Task No_runtime_is_the_nodes_fault()
    {
        using var cli = new TestCli();
        cli.Runtime.Error = new HostException("runtime-unreachable", "no container runtime answers on this node", "Start the runtime.");
        Assert.Equal(5, await cli.RunAsync("containers"));
        Assert.Equal("error: no container runtime answers on this node", cli.ErrLines[0]);
        Assert.DoesNotContain("state:", cli.Err, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_root_may_look_at_others_processes()
    {
        using var cli = new TestCli { IsRoot = false };
        Assert.Equal(5, await cli.RunAsync("containers"));
    }

    [Theory]
    [InlineData(0.4, "0s")]
    [InlineData(59, "59s")]
    [InlineData(61, "1m1s")]
    [InlineData(3600 + 125, "1h2m")]
    [InlineData((49 * 3600) + 59, "2d1h")]
    [InlineData(-5, "0s")]
    public void An_age_has_its_two_largest_units(double seconds, string text) => Assert.Equal(text, ContainerText.Age(TimeSpan.FromSeconds(seconds)));

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
