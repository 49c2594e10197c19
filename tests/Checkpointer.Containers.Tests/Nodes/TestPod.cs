using System.Globalization;
using System.Security.Cryptography;
using Checkpointer.Node.Cri;
using Checkpointer.Node.Cri.Protocol;

namespace Checkpointer.Containers.Tests;

/// <summary>A pod as kubelet makes one. Disposing it ends and removes it with its containers.</summary>
internal sealed class TestPod : IAsyncDisposable
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private readonly PodSandboxConfig _config;

    private TestPod(ContainerNode node, PodSandboxConfig config)
    {
        Node = node;
        _config = config;
    }

    internal ContainerNode Node { get; }

    internal string Id { get; private set; } = "";

    internal string Name => _config.Metadata.Name;

    /// <summary>Its address, reachable from both nodes.</summary>
    internal string Ip { get; private set; } = "";

    /// <summary>One pid namespace for all its containers.</summary>
    internal bool SharesPids { get; private init; }

    /// <summary>It has no network of its own but the node's (<c>hostNetwork</c>).</summary>
    internal bool OfNode { get; private init; }

    internal static async Task<TestPod> StartAsync(ContainerNode node, string name, bool sharePids = false, bool ofNode = false)
    {
        var unique = $"{name}-{RandomNumberGenerator.GetHexString(4, lowercase: true)}";
        var pod = new TestPod(node, new PodSandboxConfig
        {
            Metadata = new PodSandboxMetadata { Name = unique, Uid = Guid.NewGuid().ToString(), Namespace = "tests" },
            Hostname = ofNode ? "" : unique,
            LogDirectory = Path.Combine(node.Home, "logs", unique),
            Linux = new LinuxPodSandboxConfig { CgroupParent = "/pods", SecurityContext = new LinuxSandboxSecurityContext { NamespaceOptions = NamespacesOf(sharePids, ofNode) } },
        })
        { SharesPids = sharePids, OfNode = ofNode };
        Directory.CreateDirectory(pod._config.LogDirectory);
        pod.Id = (await node.Cri.CallAsync("running a pod", o => node.Cri.Runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = pod._config }, o), CriConnection.Long, Cancellation)).PodSandboxId;
        try
        {
            var status = await node.Cri.CallAsync("the pod's status", o => node.Cri.Runtime.PodSandboxStatusAsync(new PodSandboxStatusRequest { PodSandboxId = pod.Id }, o), CriConnection.Short, Cancellation);
            pod.Ip = status.Status.Network.Ip;
            return pod;
        }
        catch
        {
            await pod.DisposeAsync();
            throw;
        }
    }

    /// <summary>The pod of a container that somebody else made.</summary>
    internal static async Task<TestPod> OfContainerAsync(ContainerNode node, string container)
    {
        var request = new ListContainersRequest { Filter = new ContainerFilter { Id = container } };
        var found = await node.Cri.CallAsync("listing a container", o => node.Cri.Runtime.ListContainersAsync(request, o), CriConnection.Short, Cancellation);
        return new TestPod(node, new PodSandboxConfig { Metadata = new PodSandboxMetadata { Name = container } }) { Id = Assert.Single(found.Containers).PodSandboxId };
    }

    internal async Task<TestContainer> RunAsync(ContainerOptions options)
    {
        var security = new LinuxContainerSecurityContext
        {
            NamespaceOptions = NamespacesOf(SharesPids, OfNode),
            ReadonlyRootfs = options.ReadOnlyRoot,
            Capabilities = new Capability { DropCapabilities = { options.DroppedCapabilities } },
            NoNewPrivs = options.NoNewPrivileges,
            Seccomp = new SecurityProfile { ProfileType = options.Seccomp ? SecurityProfile.Types.ProfileType.RuntimeDefault : SecurityProfile.Types.ProfileType.Unconfined },
            MaskedPaths = { "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug", "/sys/firmware" },
            ReadonlyPaths = { "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger" },
        };
        if (options.User is { } user)
        {
            security.RunAsUser = new Int64Value { Value = user };
        }

        var config = new ContainerConfig
        {
            Metadata = new ContainerMetadata { Name = options.Name },
            Image = new ImageSpec { Image = options.Image },
            Command = { options.Command },
            Tty = options.Tty,
            Stdin = options.Tty,
            LogPath = string.Create(CultureInfo.InvariantCulture, $"{options.Name}.log"),
            Linux = new LinuxContainerConfig { SecurityContext = security, Resources = new LinuxContainerResources { MemoryLimitInBytes = options.MemoryLimit } },
            Mounts = { options.Mounts.Select(mount => new Mount { HostPath = mount.Source, ContainerPath = mount.Destination, Readonly = mount.ReadOnly }) },
            Devices = { options.Devices.Select(device => new Device { HostPath = device.Source, ContainerPath = device.Destination, Permissions = "rw" }) },
        };
        var created = await Node.Cri.CallAsync(
            "creating a container", o => Node.Cri.Runtime.CreateContainerAsync(new CreateContainerRequest { PodSandboxId = Id, Config = config, SandboxConfig = _config }, o), CriConnection.Long, Cancellation);
        await Node.Cri.CallAsync("starting a container", o => Node.Cri.Runtime.StartContainerAsync(new StartContainerRequest { ContainerId = created.ContainerId }, o), CriConnection.Long, Cancellation);
        return await TestContainer.OfAsync(this, created.ContainerId, options.Name, Path.Combine(_config.LogDirectory, config.LogPath));
    }

    public async ValueTask DisposeAsync()
    {
        // Also after a test was cancelled.
        await Node.Cri.CallAsync("stopping a pod", o => Node.Cri.Runtime.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = Id }, o), CriConnection.Long, CancellationToken.None);
        await Node.Cri.CallAsync("removing a pod", o => Node.Cri.Runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = Id }, o), CriConnection.Long, CancellationToken.None);
    }

    private static NamespaceOption NamespacesOf(bool sharePids, bool ofNode) =>
        new() { Network = ofNode ? NamespaceMode.Node : NamespaceMode.Pod, Pid = sharePids ? NamespaceMode.Pod : NamespaceMode.Container, Ipc = NamespaceMode.Pod };
}
