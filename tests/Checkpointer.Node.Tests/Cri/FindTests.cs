using System.Diagnostics;
using System.Globalization;
using Checkpointer.Node.Cri;
using Checkpointer.Node.Cri.Protocol;
using Checkpointer.Platform;
using Grpc.Core;

namespace Checkpointer.Node.Tests.Cri;

/// <summary>How a container or a pod is named, and what is told of it.</summary>
public sealed class FindTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_list_has_names_images_and_states()
    {
        await using var node = await FakeNode.StartAsync();
        var pod = node.AddPod("web");
        var app = node.Add("app", pod);
        app.CreatedAt = 1_500_000_000;
        node.Add("done", pod, ContainerState.ContainerExited);
        node.Add("lost", new PodSandbox { Id = "gone" }, ContainerState.ContainerUnknown).Labels.Add("io.kubernetes.pod.name", "old");

        var all = await node.Runtime.ListAsync(Token);

        Assert.Equal(
            [("default/web/app", "running"), ("default/web/done", "exited"), ("/old/lost", "unknown")], all.Select(c => (c.Label, c.State)));
        Assert.Equal((app.Id, pod.Id, FakeNode.ImageName), (all[0].Id, all[0].SandboxId, all[0].Image));
        Assert.Equal(DateTimeOffset.UnixEpoch.AddSeconds(1.5), all[0].Created);
    }

    [Theory]
    [InlineData("app")]
    [InlineData("web/app")]
    [InlineData("default/web/app")]
    [InlineData("ID")]
    [InlineData("PREFIX")]
    public async Task Each_way_to_name_it_finds_it_and_all_that_is_told(string name)
    {
        await using var node = await FakeNode.StartAsync();
        var pod = node.AddPod("web");
        node.Add("app", pod, ContainerState.ContainerExited);
        var app = node.AddInspectable("app", pod);
        node.Add("other", node.AddPod("db"));

        var found = await node.Runtime.FindAsync(name switch { "ID" => app.Id, "PREFIX" => app.Id[..12], _ => name }, Token);

        Assert.Equal((app.Id, "app", "web", "default", "uid-web", pod.Id), (found.Id, found.Name, found.PodName, found.PodNamespace, found.PodUid, found.SandboxId));
        Assert.Equal((1, FakeNode.ImageName, FakeNode.ImageId), (found.Pid, found.Image, found.ImageDigest));
        Assert.Equal(("containerd", "1.6.20", "/var/log/pods/x/0.log"), (found.Runtime, found.RuntimeVersion, found.LogPath));
        var volume = Assert.Single(found.Volumes);
        Assert.Equal(("/data", "/srv/data", true, "host-to-container"), (volume.Destination, volume.Source, volume.ReadOnly, volume.Propagation));
        Assert.NotNull(found.Template);
    }

    [Theory]
    [InlineData("nothing", "container-not-found")]
    [InlineData("web", "container-not-found")]
    [InlineData("other/web/app", "container-not-found")]
    [InlineData("done", "container-not-running")]
    [InlineData("app", "container-ambiguous")]
    [InlineData("000", "container-not-found")]
    [InlineData("", "container-not-found")]
    public async Task A_name_that_means_no_one_container_is_an_error_that_says_so(string name, string code)
    {
        await using var node = await FakeNode.StartAsync();
        var pod = node.AddPod("web");
        node.Add("app", pod);
        node.Add("done", pod, ContainerState.ContainerExited);
        node.Add("app", node.AddPod("db"));

        var error = await Assert.ThrowsAsync<UsageException>(() => node.Runtime.FindAsync(name, Token));

        Assert.Equal(code, error.Code);
        Assert.NotNull(error.Remedy);
        Assert.Equal(code == "container-ambiguous", error.Message.Contains("default/db/app (", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Many_candidates_are_counted_not_listed()
    {
        await using var node = await FakeNode.StartAsync();
        var pod = node.AddPod("web");
        for (var i = 0; i < 9; i++)
        {
            node.Add("app", pod);
        }

        var error = await Assert.ThrowsAsync<UsageException>(() => node.Runtime.FindAsync("app", Token));

        Assert.EndsWith("or 4 more", error.Message, StringComparison.Ordinal);
        Assert.Equal("Name it by its id.", error.Remedy);
    }

    [Theory]
    [InlineData("web")]
    [InlineData("default/web")]
    [InlineData("ID")]
    [InlineData("PREFIX")]
    public async Task A_pod_has_its_running_containers(string name)
    {
        await using var node = await FakeNode.StartAsync();
        node.AddPod("web", ready: false);
        var pod = node.AddPod("web");
        var app = node.AddInspectable("app", pod);
        node.Add("done", pod, ContainerState.ContainerExited);

        var found = await node.Runtime.FindPodAsync(name switch { "ID" => pod.Id, "PREFIX" => pod.Id[..8], _ => name }, Token);

        Assert.Equal([app.Id], found.Select(c => c.Id));
    }

    [Theory]
    [InlineData("nothing", "pod-not-found")]
    [InlineData("app", "pod-not-found")]
    [InlineData("old", "pod-not-running")]
    [InlineData("empty", "pod-not-running")]
    [InlineData("web", "pod-ambiguous")]
    public async Task A_name_that_means_no_one_pod_is_an_error_that_says_so(string name, string code)
    {
        await using var node = await FakeNode.StartAsync();
        node.Add("app", node.AddPod("web"));
        node.AddPod("web", "prod");
        node.AddPod("old", ready: false);
        node.AddPod("empty");

        var error = await Assert.ThrowsAsync<UsageException>(() => node.Runtime.FindPodAsync(name, Token));

        Assert.Equal(code, error.Code);
        Assert.Equal(code == "pod-ambiguous", error.Message.Contains("prod/web (", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_that_goes_between_two_questions_is_told_as_gone()
    {
        await using var node = await FakeNode.StartAsync();
        var app = node.Add("app", node.AddPod("web"));
        node.Cri.Fail("ContainerStatus", StatusCode.NotFound, "not found");
        Assert.Equal("container-not-found", (await Assert.ThrowsAsync<UsageException>(() => node.Runtime.FindAsync("app", Token))).Code);

        node.Cri.On<ContainerStatusRequest>(
            "ContainerStatus", r => new ContainerStatusResponse { Status = new ContainerStatus { Id = r.ContainerId, State = ContainerState.ContainerExited } });
        var error = await Assert.ThrowsAsync<UsageException>(() => node.Runtime.FindAsync(app.Id, Token));
        Assert.Equal("container-not-running", error.Code);
    }

    [Fact]
    public async Task A_process_that_is_not_the_containers_is_not_believed()
    {
        await using var node = await FakeNode.StartAsync();
        var app = node.Add("app", node.AddPod("web"));
        foreach (var pid in new[] { "0", "-1", "4194303", "99999999999", "\"1\"", "null", $"{Environment.ProcessId}" })
        {
            node.Infos[app.Id] = $$"""{"pid":{{pid}},"runtimeSpec":{ } }""";
            var error = await Assert.ThrowsAsync<HostException>(() => node.Runtime.FindAsync("app", Token));
            Assert.Equal("container-process", error.Code);
            Assert.StartsWith("default/web/app (", error.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>The runtime hears of an end from whoever reaps the process.</summary>
    [Fact]
    public async Task A_process_that_has_ended_and_was_not_reaped_is_a_container_that_does_not_run()
    {
        await using var node = await FakeNode.StartAsync();
        var app = node.Add("app", node.AddPod("web"));
        using var parent = Process.Start(new ProcessStartInfo("sh", ["-c", "sleep 600 & echo $!; exec sleep 600"]) { RedirectStandardOutput = true })!;
        try
        {
            var pid = int.Parse((await parent.StandardOutput.ReadLineAsync(Token))!, CultureInfo.InvariantCulture);
            while (ProcStat.Read(parent.Id) is { Name: not "sleep" })
            {
                // A shell would reap it.
                await Task.Delay(10, Token);
            }

            using (var child = Process.GetProcessById(pid))
            {
                child.Kill();
            }

            while (ProcStat.Read(pid) is { IsZombie: false })
            {
                await Task.Delay(10, Token);
            }

            node.Infos[app.Id] = $$"""{"pid":{{pid}},"runtimeSpec":{ } }""";
            var error = await Assert.ThrowsAsync<UsageException>(() => node.Runtime.FindAsync("app", Token));
            Assert.Equal("container-not-running", error.Code);
            Assert.NotNull(error.Remedy);
        }
        finally
        {
            parent.Kill();
        }
    }

    [Theory]
    [InlineData("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-ID.scope", true)]
    [InlineData("3:cpu:/k8s.io/OTHER\n0::/k8s.io/ID", true)]
    [InlineData("0::/kubepods.slice/crio-OTHER.scope", false)]
    [InlineData("0::/user.slice/session-1.scope", true)]
    [InlineData("", true)]
    public void A_process_in_another_containers_cgroup_is_another_containers(string cgroup, bool may)
    {
        var id = new string('a', 64);
        var text = cgroup.Replace("OTHER", new string('b', 64), StringComparison.Ordinal).Replace("ID", id, StringComparison.Ordinal);
        Assert.Equal(may, ContainerProcess.MayBe(text, id));
    }

    [Fact]
    public async Task A_removed_image_is_known_by_what_the_container_says()
    {
        await using var node = await FakeNode.StartAsync();
        node.AddInspectable("app", node.AddPod("web"));
        node.Images.Clear();

        Assert.Equal(FakeNode.ImageId, (await node.Runtime.FindAsync("app", Token)).ImageDigest);
    }
}
