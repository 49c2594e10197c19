using System.Net.Sockets;

namespace Checkpointer.Integration.Tests;

/// <summary>The real node service of a lab, under no supervision, so that it can be killed and started again.</summary>
internal sealed class NodeProcess
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(60);

    private readonly Lab _lab;
    private readonly string _config;

    private NodeProcess(Lab lab, string criu, int maxConcurrent)
    {
        _lab = lab;
        _config = Path.Combine(lab.Directory, "node.json");
        File.WriteAllText(_config, $$"""
            {
              "socket": "{{lab.Socket}}", "stateDirectory": "{{lab.StateDirectory}}", "runDirectory": "{{lab.RunDirectory}}",
              "criu": "{{criu}}", "maxConcurrent": {{maxConcurrent}}, "repositories": { "r": { "url": "{{lab.Repository}}", "keyFile": "{{lab.KeyFile}}" } }
            }
            """);
    }

    internal int Pid { get; private set; }

    /// <summary>What it has logged so far.</summary>
    internal string Log => File.ReadAllText(LogPath);

    private string LogPath => Path.Combine(_lab.Directory, "node.out");

    internal static async Task<NodeProcess> StartAsync(Lab lab, string? criu = null, int maxConcurrent = 4)
    {
        var node = new NodeProcess(lab, criu ?? Installation.Criu!, maxConcurrent);
        await node.StartAgainAsync();
        return node;
    }

    /// <summary>Starts it and waits until it takes requests: it has recovered then.</summary>
    internal async Task StartAgainAsync()
    {
        Pid = await _lab.StartAsync(LogPath, Installation.Checkpointer, "node", "--config", _config);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (!await IsReadyAsync())
        {
            Assert.True(Processes.IsAlive(Pid) && clock.Elapsed < ReadyLimit, $"the service does not come up: {Log}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
        }
    }

    /// <summary>SIGKILL.</summary>
    internal Task KillAsync() => Signals.KillAsync(Pid);

    private async Task<bool> IsReadyAsync()
    {
        using var client = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(_lab.Socket), cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        });
        try
        {
            using var answer = await client.GetAsync(new Uri("http://node/readyz"), TestContext.Current.CancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            // Nobody listens yet.
            return false;
        }
    }
}
