namespace Checkpointer.Integration.Tests;

/// <summary>The real node service of a lab, under no supervision, so that it can be killed and started again.</summary>
internal sealed class NodeProcess
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(60);

    private readonly Lab _lab;
    private readonly string _config;

    private NodeProcess(Lab lab)
    {
        _lab = lab;
        _config = Path.Combine(lab.Directory, "node.json");
        File.WriteAllText(_config, $$"""
            {
              "socket": "{{lab.Socket}}", "stateDirectory": "{{lab.StateDirectory}}", "runDirectory": "{{lab.RunDirectory}}",
              "criu": "{{Installation.Criu}}", "repositories": { "r": { "url": "{{lab.Repository}}", "keyFile": "{{lab.KeyFile}}" } }
            }
            """);
    }

    internal int Pid { get; private set; }

    private string Log => Path.Combine(_lab.Directory, "node.out");

    internal static async Task<NodeProcess> StartAsync(Lab lab)
    {
        var node = new NodeProcess(lab);
        await node.StartAgainAsync();
        return node;
    }

    /// <summary>Starts it and waits until it takes requests: it has recovered then.</summary>
    internal async Task StartAgainAsync()
    {
        Pid = await _lab.StartAsync(Log, Installation.Checkpointer, "node", "--config", _config);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while ((await _lab.CheckpointerAsync("node", "show", "--json")).ExitCode != 0)
        {
            Assert.True(Processes.IsAlive(Pid) && clock.Elapsed < ReadyLimit, $"the service does not come up: {File.ReadAllText(Log)}");
        }
    }

    /// <summary>SIGKILL.</summary>
    internal Task KillAsync() => Signals.KillAsync(Pid);
}
