using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Node.Tests;

/// <summary>A node service in this process, in a directory of its own, with a scripted engine and a client.</summary>
internal sealed class NodeFixture : IAsyncDisposable
{
    /// <summary>No step of any test takes a second; this is for a machine under load.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly CancellationTokenSource _deadline = new(Patience);
    private bool _stopped;

    private NodeFixture(
        TempDirectory directory,
        NodeConfiguration configuration,
        ScriptedEngine engine,
        NodeHost host,
        RecordingLogger log,
        FakeNotifier notifier)
    {
        (Directory, Configuration, Engine, Host, Log, Notifier) = (directory, configuration, engine, host, log, notifier);
        Client = new NodeClient(configuration.Socket);
    }

    public TempDirectory Directory { get; }

    public NodeConfiguration Configuration { get; }

    public ScriptedEngine Engine { get; }

    public NodeHost Host { get; }

    public RecordingLogger Log { get; }

    public FakeNotifier Notifier { get; }

    public NodeClient Client { get; }

    public string Socket => Configuration.Socket;

    /// <summary>Ends every wait of a test that hangs.</summary>
    public CancellationToken Deadline => _deadline.Token;

    public static async Task<NodeFixture> StartAsync(
        Func<NodeConfiguration, NodeConfiguration>? configure = null, ScriptedEngine? engine = null, FakeNotifier? notifier = null)
    {
        var fixture = Create(configure, engine, notifier);
        await fixture.Host.StartAsync(fixture.Deadline);
        return fixture;
    }

    public static NodeFixture Create(
        Func<NodeConfiguration, NodeConfiguration>? configure = null, ScriptedEngine? engine = null, FakeNotifier? notifier = null)
    {
        var directory = new TempDirectory();
        var configuration = new NodeConfiguration
        {
            Socket = directory.File("run/node.sock"),
            RunDirectory = directory.File("run"),
            StateDirectory = directory.File("state"),
            StopTimeout = TimeSpan.FromSeconds(10),
        };
        configuration = configure?.Invoke(configuration) ?? configuration;
        engine ??= new ScriptedEngine();
        notifier ??= new FakeNotifier();
        var log = new RecordingLogger();
        var host = NodeHost.Create(configuration, (_, _, _) => engine, notifier, logging: logging =>
        {
            logging.ClearProviders();
            logging.AddProvider(log);
        });
        return new NodeFixture(directory, configuration, engine, host, log, notifier);
    }

    public T Service<T>()
        where T : notnull => Host.Services.GetRequiredService<T>();

    /// <summary>What is to be checkpointed: a number that no process has here, and never the caller, who is refused. The scripted engine does not look.</summary>
    public const int SomePid = 4_194_303;

    public static CheckpointRequest Request(int pid = 0) => new()
    {
        Pid = pid == 0 ? SomePid : pid,
        Repository = "/srv/repository",
        KeyFile = "/srv/repository.key",
    };

    public static HttpContent Json(string text) => new StringContent(text, Encoding.UTF8, "application/json");

    public async Task<ExitCode> StopAsync(CancellationToken hurry = default)
    {
        _stopped = true;
        return await Host.StopAsync(hurry);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (!_stopped)
        {
            // Whatever a test left running is rolled back at once.
            using var hurry = new CancellationTokenSource();
            await hurry.CancelAsync();
            await Host.StopAsync(hurry.Token);
        }

        await Host.DisposeAsync();
        Directory.Dispose();
        _deadline.Dispose();
    }
}
