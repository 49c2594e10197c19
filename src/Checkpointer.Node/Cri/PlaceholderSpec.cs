using System.Globalization;
using Checkpointer.Engine.Containers;
using Checkpointer.Node.Cri.Protocol;

namespace Checkpointer.Node.Cri;

/// <summary>
/// What CRI is asked for to get a container like a recorded one that waits for its restore. Nothing here touches the node but to look
/// which mounts' sources it has.
/// </summary>
internal sealed class PlaceholderSpec
{
    /// <summary>On the sandbox and the container; its value is the pod's uid. Whoever removes a placeholder looks for it first.</summary>
    public const string Label = "checkpointer.placeholder";

    /// <summary>Where the helper is in the container.</summary>
    public const string InitPath = "/.checkpointer/init";

    /// <summary>Seconds that the placeholder waits for its restore to begin.</summary>
    public const int Deadline = 600;

    private const string DefaultNamespace = "default";
    private const string KubernetesLabels = "io.kubernetes.";
    private const string KubernetesCgroups = "kubepods";
    private const string LogFile = "0.log";

    /// <param name="record">What is repeated.</param>
    /// <param name="init">Path of the helper on this node.</param>
    /// <param name="image">As this node names it.</param>
    /// <param name="logDirectory">Where pods have their logs.</param>
    /// <param name="uid">The new pod's.</param>
    /// <param name="pod">The first container of the same pod; null for the first.</param>
    public PlaceholderSpec(ContainerRecord record, string init, string image, string logDirectory, string uid, PlaceholderSpec? pod = null)
    {
        var template = record.Template ?? new ContainerTemplate();
        var name = record.PodName ?? record.Name;
        var space = record.PodNamespace ?? DefaultNamespace;
        Uid = uid;
        LogDirectory = pod?.LogDirectory ?? Path.Combine(logDirectory, PathPart($"{space}_{name}_{uid}"));
        RuntimeHandler = template.RuntimeHandler ?? "";
        Sandbox = pod?.Sandbox ?? new PodSandboxConfig
        {
            Metadata = new PodSandboxMetadata { Name = name, Namespace = space, Uid = uid },
            Hostname = template.NetworkMode == "node" ? "" : template.HostName ?? name,
            LogDirectory = LogDirectory,
            Labels = { { Label, uid } },
            Linux = new LinuxPodSandboxConfig
            {
                CgroupParent = CgroupParent(template),
                SecurityContext = new LinuxSandboxSecurityContext
                {
                    NamespaceOptions = Namespaces(template),
                    SelinuxOptions = SELinux(template.SELinux),
                    Privileged = template.Privileged,
                },
                Sysctls = { template.Sysctls.ToDictionary() },
            },
        };
        Container = new ContainerConfig
        {
            Metadata = new ContainerMetadata { Name = record.Name },
            Image = new ImageSpec { Image = image, UserSpecifiedImage = record.Image },
            Command = { InitPath, "hold", "--deadline", Deadline.ToString(CultureInfo.InvariantCulture) },
            WorkingDir = template.WorkingDirectory ?? "",
            Envs = { template.Environment.Select(static v => new KeyValue { Key = v.Key, Value = v.Value }) },
            Mounts = { Mounts(record, init) },
            Devices = { template.Devices.Where(static d => Path.Exists(d.Source)).Select(Device) },
            Labels = { { Label, uid } },
            Annotations = { record.Annotations.ToDictionary() },
            LogPath = Path.Combine(PathPart(record.Name), LogFile),
            Stdin = template.Stdin,
            Tty = template.Tty,
            Linux = new LinuxContainerConfig { Resources = Resources(template), SecurityContext = Security(template) },
            CdiDevices = { template.CdiDevices.Select(static d => new CDIDevice { Name = d }) },
        };
        foreach (var (key, value) in record.Labels.Where(static l => !l.Key.StartsWith(KubernetesLabels, StringComparison.Ordinal)))
        {
            // Kubernetes' own would make a kubelet take it for a pod that the cluster has deleted.
            Container.Labels.TryAdd(key, value);
        }
    }

    public string Uid { get; }

    /// <summary>Has to exist before the container starts.</summary>
    public string LogDirectory { get; }

    /// <summary>The one of the container, below <see cref="LogDirectory"/>.</summary>
    public string ContainerLogDirectory => Path.Combine(LogDirectory, Path.GetDirectoryName(Container.LogPath)!);

    public string RuntimeHandler { get; }

    public PodSandboxConfig Sandbox { get; }

    public ContainerConfig Container { get; }

    /// <summary>A name as one part of a path: it may come from another node's runtime, and that one may have been anybody's.</summary>
    public static string PathPart(string name)
    {
        const int MaxLength = 200;
        var safe = string.Concat(name.Take(MaxLength).Select(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '_'));
        return safe.Trim('.').Length == 0 ? "_" : safe;
    }

    private static IEnumerable<Mount> Mounts(ContainerRecord record, string init)
    {
        // A source that is missing would be made, as an empty directory: what is not here is told by the check of the restore instead.
        return record.Volumes.Where(static v => v.Source.StartsWith('/') && Path.Exists(v.Source) && v.Destination != InitPath)
            .Select(static v => new Mount
            {
                ContainerPath = v.Destination,
                HostPath = v.Source,
                Readonly = v.ReadOnly,
                Propagation = v.Propagation switch
                {
                    "host-to-container" => MountPropagation.PropagationHostToContainer,
                    "bidirectional" => MountPropagation.PropagationBidirectional,
                    _ => MountPropagation.PropagationPrivate,
                },
            })
            .Append(new Mount { ContainerPath = InitPath, HostPath = init, Readonly = true });
    }

    private static Device Device(ContainerVolume device) => new()
    {
        ContainerPath = device.Destination,
        HostPath = device.Source,
        Permissions = device.ReadOnly ? "r" : "rwm",
    };

    private static LinuxContainerResources Resources(ContainerTemplate template) => new()
    {
        CpuPeriod = template.CpuPeriod,
        CpuQuota = template.CpuQuota,
        CpuShares = template.CpuShares,
        MemoryLimitInBytes = template.MemoryLimit,
        OomScoreAdj = template.OomScoreAdjustment,
        CpusetCpus = template.CpuSet ?? "",
        CpusetMems = template.MemorySet ?? "",
    };

    private static LinuxContainerSecurityContext Security(ContainerTemplate template) => new()
    {
        Capabilities = new Capability { AddCapabilities = { template.AddCapabilities }, DropCapabilities = { template.DropCapabilities } },
        Privileged = template.Privileged,

        // Not inherited from the sandbox: without them the container would join the sandbox's pid namespace.
        NamespaceOptions = Namespaces(template),
        SelinuxOptions = SELinux(template.SELinux),
        RunAsUser = template.User is { } user ? new Int64Value { Value = user } : null,
        RunAsGroup = template.User is not null && template.Group is { } group ? new Int64Value { Value = group } : null,
        ReadonlyRootfs = template.ReadOnlyRoot,
        SupplementalGroups = { template.SupplementalGroups },
        NoNewPrivs = template.NoNewPrivileges,
        MaskedPaths = { template.MaskedPaths },
        ReadonlyPaths = { template.ReadOnlyPaths },
        Seccomp = Profile(template.Seccomp),
        Apparmor = Profile(template.AppArmor),
    };

    /// <summary>
    /// A process is the first of a pid namespace of its own: the helper has to be, so a shared one (the pod's, the node's, another
    /// container's) is not repeated.
    /// </summary>
    private static NamespaceOption Namespaces(ContainerTemplate template) => new()
    {
        Pid = NamespaceMode.Container,
        Network = Mode(template.NetworkMode),
        Ipc = Mode(template.IpcMode),
    };

    private static NamespaceMode Mode(string mode) => mode == "node" ? NamespaceMode.Node : NamespaceMode.Pod;

    private static SecurityProfile? Profile(string? text) => text switch
    {
        null => null,
        "runtime-default" => new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.RuntimeDefault },
        "unconfined" => new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.Unconfined },
        _ => new SecurityProfile
        {
            ProfileType = SecurityProfile.Types.ProfileType.Localhost,
            LocalhostRef = text[(text.IndexOf('/', StringComparison.Ordinal) + 1)..],
        },
    };

    private static SELinuxOption? SELinux(string? label)
    {
        // A level has colons of its own: it is the rest.
        return label?.Split(':', 4) is [var user, var role, var type, .. var level]
            ? new SELinuxOption { User = user, Role = role, Type = type, Level = level.FirstOrDefault() ?? "" }
            : null;
    }

    /// <summary>A pod's own cgroup of another node means nothing here.</summary>
    private static string CgroupParent(ContainerTemplate template)
    {
        return template.CgroupParent is { } parent && !parent.Contains(KubernetesCgroups, StringComparison.Ordinal) ? parent : "";
    }
}
