using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Checkpointer.Containers.Tests;

/// <summary>Programs that know nothing of tests go from one node to the other.</summary>
public sealed class ProgramTests(TwoNodes nodes)
{
    private const int SigHup = 1;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Redis_keeps_its_data_and_serves_on()
    {
        await nodes.NeedToolsAsync();
        var options = Tools("redis-server", "--save", "", "--protected-mode", "no", "--enable-debug-command", "yes");
        await using var from = await TestPod.StartAsync(nodes.A, "redis");
        var before = await from.RunAsync(options);
        await Eventually.TrueAsync("redis", Limit, () => before.Log().Any(line => line.Contains("Ready to accept connections", StringComparison.Ordinal)));
        Assert.Equal("OK", await RedisAsync(before, "DEBUG", "POPULATE", "20000"));
        Assert.Equal("1", await RedisAsync(before, "INCR", "moved"));
        var digest = await RedisAsync(before, "DEBUG", "DIGEST");
        var snapshot = (await before.CheckpointAsync()).Snapshot();

        await using var to = await TestPod.StartAsync(nodes.B, "redis");
        var after = (await to.RestoreAsync(options, snapshot)).Container;
        Assert.Equal(digest, await RedisAsync(after, "DEBUG", "DIGEST"));
        Assert.Equal("2", await RedisAsync(after, "INCR", "moved"));
        var answer = await nodes.A.RunAsync(["bash", "-c", $"exec 3<>/dev/tcp/{to.Ip}/6379; echo PING >&3; timeout 30 head -n 1 <&3"]);
        Assert.Equal("+PONG", answer.MustSucceed().Stdout.Trim());
        await after.StopAsync(Limit);
        Assert.Equal(0, await after.ExitCodeAsync(Limit));
    }

    [Fact]
    public async Task A_pool_of_Python_processes_computes_on_without_losing_a_result()
    {
        await nodes.NeedToolsAsync();
        var options = Tools("python3", "/scripts/pool.py") with { Mounts = [new BindMount(Requirements.Scripts, "/scripts", ReadOnly: true)] };
        await using var from = await TestPod.StartAsync(nodes.A, "pool");
        var before = await from.RunAsync(options);
        await Eventually.TrueAsync("results", Limit, () => Computed(before).Count > 3);
        var snapshot = (await before.CheckpointAsync()).Snapshot();

        await using var to = await TestPod.StartAsync(nodes.B, "pool");
        var after = (await to.RestoreAsync(options, snapshot)).Container;
        await Eventually.TrueAsync("more results", Limit, () => Computed(after).Count > 3);
        Assert.Equal(Expected(Computed(before).Count + Computed(after).Count), [.. Computed(before), .. Computed(after)]);
    }

    [Fact]
    public async Task Nginx_serves_its_site_and_reads_its_configuration_again()
    {
        await nodes.NeedToolsAsync();
        var options = Tools("bash", "-c", "mkdir -p /site && echo 'written in the container' >/site/index.html && exec nginx -c /scripts/nginx.conf") with
        {
            Mounts = [new BindMount(Requirements.Scripts, "/scripts", ReadOnly: true)],
        };
        await using var from = await TestPod.StartAsync(nodes.A, "nginx");
        var before = await from.RunAsync(options);
        await MustServeAsync(from.Ip);
        var snapshot = (await before.CheckpointAsync(NodeCapabilities.OtherUsers)).Snapshot();

        await using var to = await TestPod.StartAsync(nodes.B, "nginx");
        var after = (await to.RestoreAsync(options, snapshot, NodeCapabilities.OtherUsers)).Container;
        await MustServeAsync(to.Ip);
        // The first process hands the signal on; nginx starts new workers for it.
        var workers = Processes.TreeOf(after.HostPid);
        after.Signal(SigHup);
        await Eventually.TrueAsync("new workers", Limit, () => Processes.TreeOf(after.HostPid).Except(workers).Count() >= 2);
        await MustServeAsync(to.Ip);
        await after.StopAsync(Limit);
        Assert.Equal(0, await after.ExitCodeAsync(Limit));
    }

    private static ContainerOptions Tools(params string[] command) => new() { Image = ContainerOptions.ToolsImage, Command = command };

    private static List<string> Computed(TestContainer container) => [.. container.Log().Where(line => line.StartsWith("computed ", StringComparison.Ordinal))];

    private static List<string> Expected(int lines)
    {
        const int Step = 8;
        var chain = Array.Empty<byte>();
        var all = new List<string>();
        for (var number = 0L; all.Count < lines; number++)
        {
            chain = SHA256.HashData([.. chain, .. Encoding.ASCII.GetBytes((number * number).ToString(CultureInfo.InvariantCulture))]);
            if (number % Step == Step - 1)
            {
                all.Add(string.Create(CultureInfo.InvariantCulture, $"computed {number + 1} {Convert.ToHexStringLower(chain)}"));
            }
        }

        return all;
    }

    private static async Task<string> RedisAsync(TestContainer container, params string[] command)
    {
        var answer = await container.ExecAsync(["redis-cli", .. command]);
        Assert.True(answer.ExitCode == 0, answer.Stderr.ToString(Encoding.UTF8));
        return answer.Stdout.ToString(Encoding.UTF8).Trim();
    }

    /// <summary>Asked from the other node than the first one, in time: it may just have been started.</summary>
    private async Task MustServeAsync(string address)
    {
        var answer = await nodes.B.RunAsync(
            ["bash", "-c", $"for i in $(seq 100); do exec 3<>/dev/tcp/{address}/8080 && break; sleep 0.2; done; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; timeout 30 cat <&3"]);
        Assert.Contains("written in the container", answer.MustSucceed().Stdout, StringComparison.Ordinal);
    }
}
