using Checkpointer.Engine;
using Checkpointer.Node;
using Checkpointer.Node.Client;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Cli.Tests.Support;

/// <summary>A real node service in this process, on a socket of its own, with a scripted engine.</summary>
internal sealed class RunningService : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);

    private readonly TempDirectory? _owned;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task<int> _run;

    private RunningService(ScriptedEngine engine, TempDirectory? directory, Dictionary<string, RepositoryEntry> repositories)
    {
        Engine = engine;
        directory ??= _owned = new TempDirectory();
        Socket = directory["s"];
        var configuration = new NodeConfiguration
        {
            Socket = Socket,
            StateDirectory = directory["state"],
            RunDirectory = directory.Path,
            LogLevel = LogLevel.None,
            Repositories = repositories,
            StopTimeout = TimeSpan.FromSeconds(5),
        };
        _run = NodeService.RunAsync(configuration, (_, _, _) => engine, _stop.Token);
    }

    public ScriptedEngine Engine { get; }

    public string Socket { get; }

    /// <param name="engine">The engine behind it.</param>
    /// <param name="directory">Where it lives, for a second service in the place of a first; null: in a directory of its own.</param>
    /// <param name="repositories">Its configuration has these; null: none.</param>
    public static async Task<RunningService> StartAsync(
        ScriptedEngine engine, TempDirectory? directory = null, Dictionary<string, RepositoryEntry>? repositories = null)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "the node service needs root");
        var service = new RunningService(engine, directory, repositories ?? []);
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
        _owned?.Dispose();
    }
}
