using System.Globalization;
using System.Text;

namespace Checkpointer.Containers.Tests;

/// <summary>The tests' own tools: containers that count and check themselves, on nodes that reach each other.</summary>
public sealed class NodeTests(TwoNodes nodes)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private static readonly string[] Everything =
        ["memory=8", "threads", "forks", "orphan", "shm", "sysv", "devshm", "unix", "tcp", "listen=7000", "pipes", "events", "timers", "files", "append", "unlinked", "identity"];

    [Fact]
    public async Task A_container_counts_checks_itself_and_stops_with_its_code()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "counts");
        var workload = await Workload.StartAsync(pod, ContainerOptions.Workload(["--code", "42", .. Everything]));
        await workload.VerifyAsync();
        await workload.MustTickAsync();
        Workload.MustHaveTickedWithoutGap(workload);
        await workload.Container.StopAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(42, await workload.Container.ExitCodeAsync(Limit));
        await workload.Container.MustSayAsync("stopping");
        Assert.Equal("stopping", workload.Container.Log()[^1]);
    }

    [Fact]
    public async Task A_command_in_a_container_sees_its_files_and_gives_its_code()
    {
        await using var pod = await TestPod.StartAsync(nodes.B, "exec");
        var container = await pod.RunAsync(ContainerOptions.Workload("files"));
        await Eventually.TrueAsync("its start", Limit, () => container.Log().Any(line => line == "ready 1"));
        var listed = await container.ExecAsync("/workload", "ls");
        Assert.Equal(0, listed.ExitCode);
        Assert.Contains("memory\n", listed.Stdout.ToString(Encoding.UTF8), StringComparison.Ordinal);
        Assert.Equal(2, (await container.ExecAsync("/workload", "nosuchcheck")).ExitCode);
    }

    [Fact]
    public async Task A_container_that_is_not_heard_is_killed_and_says_so()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "killed");
        var workload = await Workload.StartAsync(pod, ContainerOptions.Workload());
        workload.Container.Signal(Signals.Kill);
        Assert.Equal(128 + Signals.Kill, await workload.Container.ExitCodeAsync(Limit));
    }

    [Fact]
    public async Task A_pod_on_one_node_is_reached_from_the_other()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "network");
        await Workload.StartAsync(pod, ContainerOptions.Workload("listen=7001"));
        var answer = await nodes.B.RunAsync(["bash", "-c", $"exec 3<>/dev/tcp/{pod.Ip}/7001 && timeout 30 cat <&3"]);
        Assert.Matches("^count [0-9]+ errors 0\n$", answer.MustSucceed().Stdout);
        Assert.StartsWith("10.91.1.", pod.Ip, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_asked_of_a_container_is_what_it_gets()
    {
        await using var pod = await TestPod.StartAsync(nodes.B, "options");
        var data = Directory.CreateDirectory(Path.Combine(nodes.B.Home, "data", "options")).FullName;
        File.SetUnixFileMode(data, (UnixFileMode)Convert.ToInt32("777", 8));
        var options = ContainerOptions.Workload("identity", "terminal", "readonly", "bind=/data") with
        {
            Tty = true,
            User = 1000,
            ReadOnlyRoot = true,
            Seccomp = true,
            NoNewPrivileges = true,
            Mounts = [new BindMount(data, "/data")],
        };
        var workload = await Workload.StartAsync(pod, options);
        await workload.VerifyAsync();
        var log = workload.Container.Log();
        Assert.Contains("Uid:\t1000\t1000\t1000\t1000", log);
        Assert.Contains("NoNewPrivs:\t1", log);
        Assert.Contains("Seccomp:\t2", log);
        Assert.NotEmpty(await File.ReadAllTextAsync(Path.Combine(data, "workload"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Containers_of_a_pod_may_share_their_pids()
    {
        await using var pod = await TestPod.StartAsync(nodes.A, "shared", sharePids: true);
        var first = await pod.RunAsync(ContainerOptions.Workload("memory=1") with { Name = "first" });
        var second = await pod.RunAsync(ContainerOptions.Workload("memory=1") with { Name = "second" });
        Assert.Equal(PidNamespaceOf(first.HostPid), PidNamespaceOf(second.HostPid));
    }

    [Fact]
    public async Task Containers_outlive_a_killed_runtime_and_service()
    {
        await using var pod = await TestPod.StartAsync(nodes.B, "restart");
        var workload = await Workload.StartAsync(pod, ContainerOptions.Workload("memory=1"));
        await nodes.B.KillContainerdAsync();
        await nodes.B.KillServiceAsync();
        await nodes.B.StartContainerdAsync();
        await nodes.B.StartServiceAsync();
        await workload.MustTickAsync();
        Assert.True(await workload.Container.IsRunningAsync());
    }

    private static string PidNamespaceOf(int pid) =>
        new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/ns/pid")).LinkTarget!;
}
