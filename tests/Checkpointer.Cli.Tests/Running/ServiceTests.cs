using System.Runtime.InteropServices;
using System.Text.Json;
using Checkpointer.Cli.Tests.Output;
using Checkpointer.Cli.Tests.Support;
using Checkpointer.Engine;
using Checkpointer.Node;

namespace Checkpointer.Cli.Tests.Running;

/// <summary>The command line against a real service over its socket; only the engine behind it is scripted.</summary>
public sealed class ServiceTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_checkpoint_through_the_service_is_told_as_if_it_were_here()
    {
        await using var service = await RunningService.StartAsync(new ScriptedEngine());
        using var cli = new Client(service);
        Assert.Equal(0, await cli.RunAsync("checkpoint", "--pid", Pid, "--repo", "/srv/x", "--name", "training", "--json"));

        Assert.Equal(Samples.Snapshot, cli.Json().GetProperty("snapshot").GetString());
        Assert.Equal("training", service.Engine.Request!.Name);
        Assert.Equal("/srv/x", service.Engine.Request.Repository);
    }

    [Fact]
    public async Task A_configured_repository_opens_with_its_own_key_whatever_the_variable_says()
    {
        await using var service = await RunningService.StartAsync(
            new ScriptedEngine(), repositories: new() { ["second"] = new RepositoryEntry("/srv/second", "/etc/second.key") });
        using var cli = new Client(service);
        cli.Environment["CHECKPOINTER_KEY_FILE"] = "/etc/first.key";

        Assert.Equal(0, await cli.RunAsync("checkpoint", "--pid", Pid, "--repo", "second"));
        Assert.Equal(("/srv/second", "/etc/second.key"), (service.Engine.Request!.Repository, service.Engine.Request.KeyFile));

        Assert.Equal(2, await cli.RunAsync("checkpoint", "--pid", Pid, "--repo", "second", "--key-file", "/etc/first.key", "--json"));
        Assert.Equal("key-file-not-configured", cli.Json().GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task An_error_of_the_service_keeps_its_code_states_and_findings()
    {
        await using var service = await RunningService.StartAsync(new ScriptedEngine { Error = Samples.Error("refused") });
        using var cli = new Client(service);
        Assert.Equal(3, await cli.RunAsync("checkpoint", "--pid", Pid, "--repo", "/srv/x", "--json"));
        var error = cli.Json().GetProperty("error");
        Assert.Equal("refused", error.GetProperty("code").GetString());
        Assert.True(error.GetProperty("workloadRunning").GetBoolean());
        Assert.Equal(
            ["note", "overridable", "blocker"],
            error.GetProperty("findings").EnumerateArray().Select(f => f.GetProperty("severity").GetString()));
    }

    [Fact]
    public async Task An_interrupt_cancels_the_operation_in_the_service()
    {
        await using var service = await RunningService.StartAsync(new ScriptedEngine { Gate = new TaskCompletionSource() });
        using var cli = new Client(service);
        var run = cli.RunAsync("checkpoint", "--pid", Pid, "--repo", "/srv/x");
        await service.Engine.Started.Task.WaitAsync(Patience);
        cli.Interrupts.Raise(PosixSignal.SIGINT);

        Assert.Equal(130, await run.WaitAsync(Patience));
        Assert.Equal("state: the workload runs; no snapshot was made", cli.ErrLines[^1]);
    }

    [Fact]
    public async Task Operations_are_listed_and_shown_and_followed()
    {
        await using var service = await RunningService.StartAsync(new ScriptedEngine());
        using var cli = new Client(service);
        Assert.Equal(0, await cli.RunAsync("operations"));
        Assert.Equal("", cli.Out);
        Assert.Equal(["no operations"], cli.ErrLines);

        await cli.RunAsync("checkpoint", "--pid", Pid, "--repo", "/srv/x");
        Assert.Equal(0, await cli.RunAsync("operations", "--json"));
        var operation = Assert.Single(cli.Json().GetProperty("operations").EnumerateArray());
        Assert.Superset(
            "id kind phase progress started outcome".Split(' ').ToHashSet(),
            JsonShapeTests.Names(operation).ToHashSet());
        Assert.Equal("checkpoint", operation.GetProperty("kind").GetString());
        Assert.Equal("done", operation.GetProperty("phase").GetString());
        Assert.Equal("succeeded", operation.GetProperty("outcome").GetString());
        Assert.Equal(JsonValueKind.Object, operation.GetProperty("progress").ValueKind);
        Assert.Equal(JsonValueKind.String, operation.GetProperty("started").ValueKind);

        var id = operation.GetProperty("id").GetString()!;
        Assert.Equal(0, await cli.RunAsync("operations", id, "--follow"));
        Assert.Equal(2, cli.OutLines.Length);
        Assert.StartsWith("OPERATION ", cli.OutLines[0], StringComparison.Ordinal);
        Assert.StartsWith(id, cli.OutLines[1], StringComparison.Ordinal);
        Assert.Equal(2, await cli.RunAsync("operations", "0000000000000000"));
    }

    [Fact]
    public async Task Following_a_failed_operation_ends_with_its_exit_code()
    {
        await using var service = await RunningService.StartAsync(new ScriptedEngine { Error = Samples.Error("attention") });
        using var cli = new Client(service);
        Assert.Equal(6, await cli.RunAsync("checkpoint", "--pid", Pid, "--repo", "/srv/x"));
        await cli.RunAsync("operations", "--json");
        var id = cli.Json().GetProperty("operations")[0].GetProperty("id").GetString()!;
        Assert.Equal(6, await cli.RunAsync("operations", id, "--follow", "--json"));
        cli.Json();
    }

    [Fact]
    public async Task An_attached_restore_hands_a_signal_on_through_the_service()
    {
        await using var service = await RunningService.StartAsync(new ScriptedEngine());
        using var cli = new Client(service);
        var run = cli.RunAsync("restore", "3f9c", "--repo", "/srv/x", "--wait");
        while (!service.Engine.Calls.Contains("wait"))
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        cli.Interrupts.Raise(PosixSignal.SIGTERM);
        Assert.Equal(128 + 15, await run.WaitAsync(Patience));
        Assert.Contains("signal 15", service.Engine.Calls);
    }

    [Fact]
    public async Task An_attached_restore_outlives_a_restart_of_the_service()
    {
        using var directory = new TempDirectory();
        var first = await RunningService.StartAsync(new ScriptedEngine(), directory);
        using var cli = new Client(first);
        var run = cli.RunAsync("restore", "3f9c", "--repo", "/srv/x", "--wait");
        while (!first.Engine.Calls.Contains("wait"))
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        await first.DisposeAsync();
        var engine = new ScriptedEngine();
        engine.Exit.SetResult(new TreeExit(7, null));
        await using var second = await RunningService.StartAsync(engine, directory);

        Assert.Equal(7, await run.WaitAsync(Patience));
        Assert.Contains("the service went away, the workload runs on", cli.Err, StringComparison.Ordinal);
        Assert.Equal("the workload ended with exit code 7", cli.ErrLines[^1]);
    }

    [Fact]
    public async Task A_preflight_through_the_service_has_its_verdict()
    {
        await using var service = await RunningService.StartAsync(new ScriptedEngine());
        using var cli = new Client(service);
        Assert.Equal(0, await cli.RunAsync("preflight", "--pid", Pid, "--json"));
        Assert.False(cli.Json().GetProperty("refuses").GetBoolean());
    }

    /// <summary>A number that no process has, and never the caller, who is refused: the scripted engine does not look.</summary>
    private const string Pid = "4194303";

    /// <summary>The command line with the real client, pointed at a service.</summary>
    private sealed class Client : IDisposable
    {
        private readonly StringWriter _out = new();
        private readonly StringWriter _err = new();
        private readonly RunningService _service;

        public Client(RunningService service) => _service = service;

        public Interrupts Interrupts { get; } = new();

        public Dictionary<string, string> Environment { get; } = [];

        public string Out => _out.ToString();

        public string Err => _err.ToString();

        public string[] OutLines => Out.TrimEnd('\n').Split('\n');

        public string[] ErrLines => Err.TrimEnd('\n').Split('\n');

        public JsonElement Json()
        {
            Assert.Single(OutLines);
            return JsonDocument.Parse(Out).RootElement;
        }

        public async Task<int> RunAsync(params string[] arguments)
        {
            _out.GetStringBuilder().Clear();
            _err.GetStringBuilder().Clear();
            var host = new CliHost
            {
                Out = _out,
                Err = _err,
                Environment = name => name == "CHECKPOINTER_SOCKET" ? _service.Socket : Environment.GetValueOrDefault(name),
                IsRoot = () => true,
                Interrupts = Interrupts,
            };
            return await CommandLine.RunAsync(arguments, host);
        }

        public void Dispose() => Interrupts.Dispose();
    }
}
