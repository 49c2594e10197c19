using Checkpointer.Engine;
using Checkpointer.Node;
using Checkpointer.Node.Client;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Cli.Tests.Support;

/// <summary>A real node service in this process, on a socket of its own, with a scripted engine.</summary>
internal sealed class RunningService : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _directory = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task<int> _run;

    public RunningService(ScriptedEngine engine)
    {
        Engine = engine;
        Socket = _directory["s"];
        var configuration = new NodeConfiguration
        {
            Socket = Socket,
            StateDirectory = _directory["state"],
            RunDirectory = _directory.Path,
            LogLevel = LogLevel.None,
            StopTimeout = TimeSpan.FromSeconds(5),
        };
        _run = NodeService.RunAsync(configuration, (_, _, _) => engine, _stop.Token);
    }

    public ScriptedEngine Engine { get; }

    public string Socket { get; }

    public static async Task<RunningService> StartAsync(ScriptedEngine engine)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "the node service needs root");
        var service = new RunningService(engine);
        using var client = new NodeClient(service.Socket);
        var ready = client.WaitUntilReadyAsync(StartTimeout, CancellationToken.None);
        await Task.WhenAny(ready, service._run);
        Assert.False(service._run.IsCompleted, service._run.Exception?.ToString() ?? "the service ended at once");
        Assert.True(await ready);
        return service;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run.WaitAsync(StartTimeout);
        _stop.Dispose();
        _directory.Dispose();
    }
}
