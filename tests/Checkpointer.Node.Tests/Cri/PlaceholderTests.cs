using Checkpointer.Engine.Containers;
using Checkpointer.Node.Cri;
using Checkpointer.Node.Cri.Protocol;
using Checkpointer.Platform;
using Grpc.Core;

namespace Checkpointer.Node.Tests.Cri;

/// <summary>What is asked for to get a container like a recorded one, and that nothing is left where it fails.</summary>
public sealed class PlaceholderTests
{
    private static readonly string Uid = Guid.NewGuid().ToString("D");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static ContainerRecord Record => new()
    {
        Id = "old",
        Name = "app",
        PodName = "web",
        PodNamespace = "prod",
        Pid = 1,
        Image = FakeNode.ImageName,
        ImageDigest = FakeNode.ImageId,
        Runtime = "containerd",
        Labels = new Dictionary<string, string> { ["app"] = "web", ["io.kubernetes.pod.uid"] = "u", [PlaceholderSpec.Label] = "older" },
        Annotations = new Dictionary<string, string> { ["note"] = "kept" },
        Volumes = [new("/data", "/tmp", true, "host-to-container"), new("/gone", "/nonexistent/volume", false), new(PlaceholderSpec.InitPath, "/tmp", true)],
        Template = new ContainerTemplate
        {
            Command = ["/bin/app"],
            WorkingDirectory = "/work",
            Environment = new Dictionary<string, string> { ["A"] = "b=c" },
            Tty = true,
            Stdin = true,
            ReadOnlyRoot = true,
            NoNewPrivileges = true,
            User = 1000,
            Group = 1001,
            SupplementalGroups = [7],
            AddCapabilities = ["SYS_NICE"],
            DropCapabilities = ["NET_RAW"],
            MemoryLimit = 64 << 20,
            CpuQuota = 1,
            CpuPeriod = 2,
            CpuShares = 3,
            CpuSet = "0-1",
            Seccomp = "localhost/profiles/a.json",
            AppArmor = "unconfined",
            SELinux = "u:r:t:s0:c1",
            MaskedPaths = ["/proc/kcore"],
            ReadOnlyPaths = ["/proc/sys"],
            Sysctls = new Dictionary<string, string> { ["net.core.somaxconn"] = "9" },
            CdiDevices = ["nvidia.com/gpu=0"],
            Devices = [new("/dev/a", "/dev/null", true), new("/dev/b", "/dev/nonexistent", false)],
            PidMode = "pod",
            NetworkMode = "node",
            IpcMode = "pod",
            HostName = "web-0",
            RuntimeHandler = "nvidia",
            CgroupParent = "/kubepods/burstable/pod1",
        },
    };

    [Fact]
    public async Task It_is_like_the_recorded_container_but_waits()
    {
        await using var node = await FakeNode.StartAsync();
        var handler = "";
        node.Cri.On<RunPodSandboxRequest>("RunPodSandbox", r =>
        {
            handler = r.RuntimeHandler;
            var pod = node.AddPod(r.Config.Metadata.Name, r.Config.Metadata.Namespace);
            pod.Labels.Add(r.Config.Labels);
            return new RunPodSandboxResponse { PodSandboxId = pod.Id };
        });

        var made = await CreateAsync(node);

        Assert.Equal(("app", "web", "prod", 1), (made.Name, made.PodName, made.PodNamespace, made.Pid));
        var (config, pod) = (node.Asked!.Config, node.Asked.SandboxConfig);
        Assert.Equal(["/.checkpointer/init", "hold", "--deadline", "600"], config.Command);
        Assert.Empty(config.Args);
        Assert.Equal((FakeNode.ImageId, FakeNode.ImageName), (config.Image.Image, config.Image.UserSpecifiedImage));
        Assert.Equal(
            [("/data", "/tmp", true, MountPropagation.PropagationHostToContainer), ("/.checkpointer/init", Init(node), true, MountPropagation.PropagationPrivate)],
            config.Mounts.Select(m => (m.ContainerPath, m.HostPath, m.Readonly, m.Propagation)));
        Assert.Equal([("A", "b=c")], config.Envs.Select(e => (e.Key, e.Value)));
        Assert.Equal([("/dev/a", "/dev/null", "r")], config.Devices.Select(d => (d.ContainerPath, d.HostPath, d.Permissions)));
        Assert.Equal(["nvidia.com/gpu=0"], config.CdiDevices.Select(d => d.Name));
        Assert.Equal(("/work", true, true, "kept"), (config.WorkingDir, config.Tty, config.Stdin, config.Annotations["note"]));
        Assert.Equal(["app", PlaceholderSpec.Label], config.Labels.Keys.Order());
        Assert.Equal(pod.Metadata.Uid, config.Labels[PlaceholderSpec.Label]);

        var (resources, security) = (config.Linux.Resources, config.Linux.SecurityContext);
        Assert.Equal((64L << 20, 1, 2, 3, "0-1"), (resources.MemoryLimitInBytes, resources.CpuQuota, resources.CpuPeriod, resources.CpuShares, resources.CpusetCpus));
        Assert.Equal((1000L, 1001L, true, true), (security.RunAsUser.Value, security.RunAsGroup.Value, security.ReadonlyRootfs, security.NoNewPrivs));
        Assert.Equal(("SYS_NICE", "NET_RAW", 7L), (security.Capabilities.AddCapabilities[0], security.Capabilities.DropCapabilities[0], security.SupplementalGroups[0]));
        Assert.Equal((SecurityProfile.Types.ProfileType.Localhost, "profiles/a.json"), (security.Seccomp.ProfileType, security.Seccomp.LocalhostRef));
        Assert.Equal(SecurityProfile.Types.ProfileType.Unconfined, security.Apparmor.ProfileType);
        Assert.Equal(("u", "s0:c1"), (security.SelinuxOptions.User, security.SelinuxOptions.Level));
        Assert.Equal(("/proc/kcore", "/proc/sys"), (security.MaskedPaths[0], security.ReadonlyPaths[0]));

        // In both: a container does not take its sandbox's. The helper is the first of a pid namespace whatever was shared.
        var spaces = new NamespaceOption { Pid = NamespaceMode.Container, Network = NamespaceMode.Node, Ipc = NamespaceMode.Pod };
        Assert.Equal(spaces, security.NamespaceOptions);
        Assert.Equal(spaces, pod.Linux.SecurityContext.NamespaceOptions);
        Assert.Equal(("", "", "9", "nvidia"), (pod.Hostname, pod.Linux.CgroupParent, pod.Linux.Sysctls["net.core.somaxconn"], handler));
        Assert.True(Directory.Exists(Path.Combine(pod.LogDirectory, "app")));
        Assert.Equal("app/0.log", config.LogPath);
    }

    [Fact]
    public async Task It_goes_with_its_pod_and_log_and_twice_is_no_error()
    {
        await using var node = await FakeNode.StartAsync();
        await CreateAsync(node);
        Assert.Single(node.Pods);
        Assert.Equal([Uid], await node.Runtime.MadePodsAsync(Token));
        Assert.False(await node.Runtime.RemovePodAsync(Guid.NewGuid().ToString("D"), Token));
        Assert.Single(node.Pods);
        Assert.True(await node.Runtime.RemovePodAsync(Uid, Token));
        Assert.Empty(node.Pods);
        Assert.Empty(node.Containers);
        Assert.Empty(Directory.GetDirectories(node.Options.LogDirectory));
        Assert.False(await node.Runtime.RemovePodAsync(Uid, Token));
    }

    [Fact]
    public async Task Nobody_elses_pod_is_removed()
    {
        await using var node = await FakeNode.StartAsync();
        var pod = node.AddPod("web");
        node.AddInspectable("app", pod);

        // A label that somebody copied from a placeholder.
        pod.Labels[PlaceholderSpec.Label] = Uid;
        Assert.False(await node.Runtime.RemovePodAsync(Uid, Token));
        Assert.Empty(await node.Runtime.MadePodsAsync(Token));
        Assert.DoesNotContain("StopPodSandbox", node.Cri.Calls);
    }

    [Theory]
    [InlineData("CreateContainer")]
    [InlineData("StartContainer")]
    [InlineData("ContainerStatus")]
    public async Task What_fails_half_way_leaves_nothing(string method)
    {
        await using var node = await FakeNode.StartAsync();
        node.Cri.Fail(method, StatusCode.Unknown, "no space left on device");
        var error = await Assert.ThrowsAsync<OperationFailedException>(() => CreateAsync(node));
        Assert.Equal("runtime-refused", error.Code);
        Assert.Contains("no space left on device", error.Message, StringComparison.Ordinal);
        Assert.Empty(node.Pods);
        Assert.Empty(Directory.GetDirectories(node.Options.LogDirectory));
    }

    [Fact]
    public async Task A_pod_whose_making_failed_late_is_found_and_removed()
    {
        await using var node = await FakeNode.StartAsync();
        node.Cri.On<RunPodSandboxRequest>("RunPodSandbox", r =>
        {
            node.AddPod("web").Labels.Add(r.Config.Labels);
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, "context deadline exceeded"));
        });
        var other = node.AddPod("web");
        Assert.Equal("runtime-timeout", (await Assert.ThrowsAsync<HostException>(() => CreateAsync(node))).Code);
        Assert.Equal([other.Id], node.Pods.Select(p => p.Id));
    }

    [Fact]
    public async Task Giving_up_leaves_nothing()
    {
        await using var node = await FakeNode.StartAsync();
        using var cancel = new CancellationTokenSource();
        node.Cri.On<CreateContainerRequest>("CreateContainer", _ =>
        {
            cancel.Cancel();
            return new CreateContainerResponse { ContainerId = "late" };
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => CreateAsync(node, token: cancel.Token));
        Assert.Empty(node.Pods);
    }

    /// <summary>Here because something is mounted in it.</summary>
    [Fact]
    public async Task A_log_that_cannot_be_removed_hides_no_error()
    {
        await using var node = await FakeNode.StartAsync();
        node.Cri.On<CreateContainerRequest>("CreateContainer", r =>
        {
            Mount(r.SandboxConfig.LogDirectory);
            throw new RpcException(new Status(StatusCode.Unknown, "the first error"));
        });
        try
        {
            var error = await Assert.ThrowsAsync<OperationFailedException>(() => CreateAsync(node));
            Assert.Contains("the first error", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            foreach (var mounted in Directory.GetDirectories(node.Options.LogDirectory))
            {
                Mounts.Unmount(Path.Combine(mounted, "app"));
            }
        }
    }

    [Fact]
    public async Task What_cannot_be_removed_is_told()
    {
        await using var node = await FakeNode.StartAsync();
        node.Cri.Fail("StartContainer", StatusCode.Unknown, "first");
        node.Cri.Fail("StopPodSandbox", StatusCode.Unknown, "second");
        var error = await Assert.ThrowsAsync<OperationFailedException>(() => CreateAsync(node));
        Assert.Equal("placeholder-left", error.Code);
        Assert.Contains("first", error.Message, StringComparison.Ordinal);
        Assert.Contains("second", error.Message, StringComparison.Ordinal);
        Assert.Contains("prod/web", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_image_must_be_the_same_one()
    {
        await using var node = await FakeNode.StartAsync();
        var other = "sha256:" + new string('2', 64);
        node.Images[0].Id = other;
        node.Cri.Fail("PullImage", StatusCode.Unknown, "no route to host");
        var error = await Assert.ThrowsAsync<UsageException>(() => CreateAsync(node));
        Assert.Equal("image-missing", error.Code);
        Assert.Contains($"{FakeNode.ImageName} ({FakeNode.ImageId}) is not on this node; {FakeNode.ImageName} is {other} here", error.Message, StringComparison.Ordinal);
        Assert.Contains("no route to host", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("RunPodSandbox", node.Cri.Calls);
    }

    [Fact]
    public async Task An_image_that_is_not_here_is_pulled_and_compared()
    {
        await using var node = await FakeNode.StartAsync();
        node.Images.Clear();
        node.Cri.On<PullImageRequest>("PullImage", r =>
        {
            Assert.Equal(FakeNode.ImageName, r.Image.Image);
            node.Images.Add(new Image { Id = FakeNode.ImageId, RepoTags = { FakeNode.ImageName } });
            return new PullImageResponse { ImageRef = FakeNode.ImageId };
        });
        await CreateAsync(node);
        Assert.Equal(FakeNode.ImageId, node.Asked!.Config.Image.Image);

        node.Images.Clear();
        node.Cri.On<PullImageRequest>("PullImage", _ => new PullImageResponse { ImageRef = "sha256:" + new string('3', 64) });
        Assert.Equal("image-missing", (await Assert.ThrowsAsync<UsageException>(() => CreateAsync(node))).Code);
    }

    [Fact]
    public async Task A_record_of_little_is_enough()
    {
        await using var node = await FakeNode.StartAsync();
        var record = new ContainerRecord { Id = "x", Name = "../etc", Pid = 1, Image = FakeNode.ImageName, Runtime = "x" };
        await CreateAsync(node, record);
        Assert.Equal(("default", "../etc"), (node.Asked!.SandboxConfig.Metadata.Namespace, node.Asked.SandboxConfig.Metadata.Name));
        Assert.StartsWith(node.Options.LogDirectory + "/default_.._etc_", node.Asked.SandboxConfig.LogDirectory, StringComparison.Ordinal);
        Assert.Equal(".._etc/0.log", node.Asked.Config.LogPath);
        Assert.Null(node.Asked.Config.Linux.SecurityContext.RunAsUser);
    }

    [Fact]
    public async Task No_helper_no_placeholder()
    {
        await using var node = await FakeNode.StartAsync();
        var error = await Assert.ThrowsAsync<HostException>(() => node.Runtime.CreatePodAsync([Record], Uid, "/nonexistent/init", Token));
        Assert.Equal("helper-missing", error.Code);
    }

    private static async Task<ContainerRecord> CreateAsync(FakeNode node, ContainerRecord? record = null, CancellationToken? token = null)
    {
        await File.WriteAllTextAsync(Init(node), "", Token);
        return Assert.Single(await node.Runtime.CreatePodAsync([record ?? Record], Uid, Init(node), token ?? Token));
    }

    private static void Mount(string logs)
    {
        try
        {
            Mounts.MountTmpfs(Path.Combine(logs, "app"), 1 << 20, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (PlatformException e)
        {
            Assert.Skip($"nothing can be mounted here: {e.Message}");
        }
    }

    private static string Init(FakeNode node) => node.Cri.Directory.File("init");
}
