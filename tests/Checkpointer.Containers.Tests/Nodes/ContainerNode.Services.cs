using System.Net.Sockets;
using Checkpointer.Node.Cri;
using Checkpointer.Node.Cri.Protocol;

namespace Checkpointer.Containers.Tests;

/// <summary>The two services of a node: started, killed, started again.</summary>
internal sealed partial class ContainerNode
{
    private static readonly TimeSpan ServiceLimit = TimeSpan.FromMinutes(2);

    private string ServiceLog => Path.Combine(Home, "logs", "service.log");

    /// <summary>containerd, ready with its network.</summary>
    internal async Task StartContainerdAsync()
    {
        await StartAsync("containerd", ContainerdLog, [Path.Combine(Requirements.Runtime, "bin", "containerd"), "-c", Path.Combine(Home, "config", "containerd.toml")]);
        await UntilAsync("containerd", ContainerdLog, IsRuntimeReadyAsync);
    }

    /// <summary>SIGKILL. Containers run on: each has a shim of its own.</summary>
    internal Task KillContainerdAsync() => KillAsync("containerd");

    /// <summary>The node service; it has recovered when this returns.</summary>
    internal async Task StartServiceAsync()
    {
        var config = Path.Combine(Home, "config", "checkpointer.json");
        await File.WriteAllTextAsync(config, $$"""
            {
              "socket": "/run/checkpointer/checkpointer.sock", "stateDirectory": "{{Home}}/state", "runDirectory": "/run/checkpointer",
              "criu": "{{HeldCriu.Create(this)}}",
              "gpu": { "cudaLibrary": "{{SimulatedGpus.CudaLibrary}}", "nvmlLibrary": "{{SimulatedGpus.NvmlLibrary}}" },
              "repositories": {
                "{{TwoNodes.RepositoryName}}": { "url": "{{_world.Folder}}/shared/repo", "keyFile": "{{_world.Folder}}/key" },
                "{{AzuriteTests.RepositoryName}}": { "url": "{{AzuriteTests.Url(_world)}}", "keyFile": "{{AzuriteTests.KeyFile(_world)}}" } }
            }
            """);
        await StartAsync("service", ServiceLog, [Installation.Checkpointer, "node", "--config", config]);
        await UntilAsync("the node service", ServiceLog, IsServiceReadyAsync);
    }

    /// <summary>SIGKILL.</summary>
    internal Task KillServiceAsync() => KillAsync("service");

    /// <summary>Something else that runs on it until <see cref="KillAsync"/>.</summary>
    /// <returns>Its log.</returns>
    internal async Task<string> StartProgramAsync(string name, params string[] command)
    {
        var log = Path.Combine(Home, "logs", name + ".log");
        await StartAsync(name, log, command);
        return log;
    }

    /// <summary>The service's pid, as this process sees it.</summary>
    internal int ServicePid => PidOf("service");

    /// <summary>That of something that runs on it, likewise.</summary>
    internal int PidOf(string name) => HostPidOf(int.Parse(File.ReadAllText(PidFile(name)), System.Globalization.CultureInfo.InvariantCulture));

    internal async Task ImportAsync(params string[] archives)
    {
        foreach (var archive in archives)
        {
            (await RunAsync(["ctr", "-n", "k8s.io", "images", "import", archive])).MustSucceed();
        }
    }

    /// <summary>The end of its log, for messages.</summary>
    internal static string EndOf(string log) => File.Exists(log) ? string.Join('\n', File.ReadLines(log).TakeLast(15)) : "";

    private string PidFile(string name) => Path.Combine(Home, "logs", name + ".pid");

    private async Task StartAsync(string name, string log, string[] command)
    {
        // The shell writes its pid whole (rename) and then becomes the program, in a session of its own, child of the node's init.
        const string Script = "log=$1 pid=$2; shift 2; exec </dev/null >>\"$log\" 2>&1; echo $$ >\"$pid.new\"; mv \"$pid.new\" \"$pid\"; exec \"$@\"";
        File.Delete(PidFile(name));
        (await RunAsync(["setsid", "--fork", "bash", "-c", Script, "bash", log, PidFile(name), .. command])).MustSucceed();
        await Eventually.TrueAsync($"the start of {name} on {Name}", ServiceLimit, () => File.Exists(PidFile(name)));
    }

    internal async Task KillAsync(string name)
    {
        var pid = HostPidOf(int.Parse(await File.ReadAllTextAsync(PidFile(name)), System.Globalization.CultureInfo.InvariantCulture));
        if (pid != 0)
        {
            await Signals.KillAsync(pid);
        }
    }

    private async Task UntilAsync(string what, string log, Func<Task<bool>> ready)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (!await ready())
        {
            Assert.True(clock.Elapsed < ServiceLimit, $"{what} does not come up on {Name}: {EndOf(log)}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
        }
    }

    private async Task<bool> IsRuntimeReadyAsync()
    {
        try
        {
            var status = await Cri.CallAsync("status", options => Cri.Runtime.StatusAsync(new StatusRequest(), options), CriConnection.Short, TestContext.Current.CancellationToken);
            return status.Status.Conditions.All(condition => condition.Status);
        }
        catch (CheckpointerException)
        {
            // Nobody listens yet, or it has not read its configuration of networks yet.
            return false;
        }
    }

    private async Task<bool> IsServiceReadyAsync()
    {
        using var client = new HttpClient(new SocketsHttpHandler { ConnectCallback = ConnectAsync });
        try
        {
            using var answer = await client.GetAsync(new Uri("http://node/readyz"), TestContext.Current.CancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(RootFolder + "/run/checkpointer/checkpointer.sock"), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
