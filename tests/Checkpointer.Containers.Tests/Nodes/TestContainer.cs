using System.Text.Json;
using Checkpointer.Node.Cri;
using Checkpointer.Node.Cri.Protocol;

namespace Checkpointer.Containers.Tests;

/// <summary>A container of a pod, asked and ordered as kubelet does.</summary>
internal sealed class TestContainer
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private TestContainer(TestPod pod, string id, string name, string logPath)
    {
        Pod = pod;
        Id = id;
        Name = name;
        LogPath = logPath;
    }

    internal TestPod Pod { get; }

    internal ContainerNode Node => Pod.Node;

    internal string Id { get; }

    internal string Name { get; }

    internal string LogPath { get; }

    /// <summary>Its PID 1, as its node sees it.</summary>
    internal int NodePid { get; private set; }

    /// <summary>Its PID 1, as this process sees it.</summary>
    internal int HostPid { get; private set; }

    internal static async Task<TestContainer> OfAsync(TestPod pod, string id, string name, string logPath)
    {
        var container = new TestContainer(pod, id, name, logPath);
        var answer = await container.StatusAsync(verbose: true);
        using var info = JsonDocument.Parse(answer.Info["info"]);
        container.NodePid = info.RootElement.GetProperty("pid").GetInt32();
        // 0: it has ended already.
        container.HostPid = container.NodePid == 0 ? 0 : pod.Node.HostPidOf(container.NodePid);
        return container;
    }

    /// <summary>Whole lines of its log, without time and stream; of both streams.</summary>
    internal IReadOnlyList<string> Log() => CriLog.Read(LogPath);

    /// <summary>Waits for a line with this text: the runtime may write the last ones after the end of the container is known.</summary>
    internal Task MustSayAsync(string text) => Eventually.TrueAsync(
        $"'{text}' in the log of {Name}", TimeSpan.FromMinutes(1), () => Log().Any(line => line.Contains(text, StringComparison.Ordinal)));

    /// <summary>Runs a command in it.</summary>
    internal async Task<ExecSyncResponse> ExecAsync(params string[] command) =>
        await Node.Cri.CallAsync("running a command", o => Node.Cri.Runtime.ExecSyncAsync(new ExecSyncRequest { ContainerId = Id, Cmd = { command }, Timeout = 60 }, o), CriConnection.Long, Cancellation);

    /// <summary>To its PID 1.</summary>
    internal void Signal(int signal) => Signals.Send(HostPid, signal);

    internal async Task StopAsync(TimeSpan grace) =>
        await Node.Cri.CallAsync("stopping a container", o => Node.Cri.Runtime.StopContainerAsync(new StopContainerRequest { ContainerId = Id, Timeout = (long)grace.TotalSeconds }, o), CriConnection.Long, Cancellation);

    internal async Task RemoveAsync() =>
        await Node.Cri.CallAsync("removing a container", o => Node.Cri.Runtime.RemoveContainerAsync(new RemoveContainerRequest { ContainerId = Id }, o), CriConnection.Long, Cancellation);

    internal async Task<bool> IsRunningAsync() => (await StatusAsync(verbose: false)).Status.State == ContainerState.ContainerRunning;

    /// <summary>Waits for its end: the exit code, 128+n after a signal.</summary>
    internal async Task<int> ExitCodeAsync(TimeSpan limit)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            var status = (await StatusAsync(verbose: false)).Status;
            if (status.State == ContainerState.ContainerExited)
            {
                return status.ExitCode;
            }

            Assert.True(clock.Elapsed < limit, $"container {Name} of {Pod.Name} has not ended within {limit.TotalSeconds:F0} s. Its log: {string.Join('\n', Log().TakeLast(5))}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), Cancellation);
        }
    }

    private async Task<ContainerStatusResponse> StatusAsync(bool verbose) =>
        await Node.Cri.CallAsync("a container's status", o => Node.Cri.Runtime.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = Id, Verbose = verbose }, o), CriConnection.Short, Cancellation);
}
