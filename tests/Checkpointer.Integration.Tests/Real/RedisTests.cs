using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Checkpointer.Integration.Tests;

/// <summary>redis-server as Debian ships it, with 100,000 keys and a client that is connected over loopback.</summary>
public sealed class RedisTests
{
    private const int Keys = 100_000;

    [Fact]
    public async Task Redis_keeps_its_keys_and_serves_again()
    {
        await using var lab = await Lab.CreateWithRepositoryAsync();
        var cancellation = TestContext.Current.CancellationToken;
        var (pid, port) = await StartAsync(lab);
        using var first = await RedisClient.ConnectAsync(port, cancellation);
        await first.FillAsync(Keys, cancellation);
        var digest = await first.AskAsync("DEBUG DIGEST", cancellation) ?? "";

        // The client's end is outside of the tree, so the connection ends with the checkpoint; the listener does not.
        var snapshot = await lab.CheckpointAsync(pid, "--force");
        await lab.RestoreAsync(snapshot.Id, "--force");

        using var second = await RedisClient.ConnectAsync(port, cancellation);
        Assert.Equal($":{Keys}", await second.AskAsync("DBSIZE", cancellation));
        Assert.Equal(digest, await second.AskAsync("DEBUG DIGEST", cancellation));
        Assert.Equal("+OK", await second.AskAsync("SET after restore", cancellation));
        Assert.Equal("value-77", await second.AskAsync("GET key-77", cancellation));
    }

    /// <summary>On a port that was free a moment ago; somebody else may have taken it since: then it ends, and the next one is tried.</summary>
    private static async Task<(int Pid, int Port)> StartAsync(Lab lab)
    {
        const int Tries = 3;
        for (var i = 1; ; i++)
        {
            var port = FreePort();
            var log = Path.Combine(lab.Directory, $"redis-{i}.out");
            var pid = await lab.StartAsync(
                log, Installation.NeedProgram("redis-server"),
                "--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", lab.Directory, "--daemonize", "no");
            await Eventually.TrueAsync(
                "redis to listen or to end",
                TimeSpan.FromSeconds(60),
                () => !Processes.IsAlive(pid) || File.ReadAllText(log).Contains("Ready to accept connections", StringComparison.Ordinal));
            if (Processes.IsAlive(pid))
            {
                return (pid, port);
            }

            Assert.True(i < Tries, $"redis does not start: {File.ReadAllText(log)}");
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Redis' inline commands: a line there, a line (or a counted text) back.</summary>
    private sealed class RedisClient : IDisposable
    {
        private readonly TcpClient _client;
        private readonly StreamReader _reader;

        private RedisClient(TcpClient client)
        {
            _client = client;
            _reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        }

        public void Dispose()
        {
            _reader.Dispose();
            _client.Dispose();
        }

        internal static async Task<RedisClient> ConnectAsync(int port, CancellationToken cancellation)
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            while (true)
            {
                var client = new TcpClient();
                try
                {
                    await client.ConnectAsync(IPAddress.Loopback, port, cancellation);
                    return new RedisClient(client);
                }
                catch (SocketException) when (clock.Elapsed < TimeSpan.FromSeconds(60))
                {
                    client.Dispose();
                    await Task.Delay(50, cancellation);
                }
            }
        }

        internal async Task FillAsync(int keys, CancellationToken cancellation)
        {
            const int Batch = 1000;
            for (var start = 0; start < keys; start += Batch)
            {
                var commands = new StringBuilder();
                for (var i = start; i < start + Batch; i++)
                {
                    commands.Append(CultureInfo.InvariantCulture, $"SET key-{i} value-{i}\r\n");
                }

                await _client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(commands.ToString()), cancellation);
                for (var i = 0; i < Batch; i++)
                {
                    Assert.Equal("+OK", await _reader.ReadLineAsync(cancellation));
                }
            }
        }

        internal async Task<string?> AskAsync(string command, CancellationToken cancellation)
        {
            await _client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(command + "\r\n"), cancellation);
            var line = await _reader.ReadLineAsync(cancellation);
            return line is ['$', not '-', ..] ? await _reader.ReadLineAsync(cancellation) : line;
        }
    }
}
