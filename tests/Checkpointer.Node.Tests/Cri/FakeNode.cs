using System.Text.RegularExpressions;
using Checkpointer.Node.Cri;
using Checkpointer.Node.Cri.Protocol;
using Grpc.Core;

namespace Checkpointer.Node.Tests.Cri;

/// <summary>A runtime with pods and containers that behaves like containerd: what is asked for is there afterwards.</summary>
internal sealed partial class FakeNode : IAsyncDisposable
{
    public const string ImageName = "localhost/bb:1";
    public static readonly string ImageId = "sha256:" + new string('1', 64);

    private readonly Lock _lock = new();
    private int _made;

    private FakeNode(FakeCri cri)
    {
        Cri = cri;
        Runtime = new CriRuntime(Options, TimeProvider.System, Log);
        Serve();
    }

    public FakeCri Cri { get; }

    public RecordingLogger Log { get; } = new();

    public CriRuntime Runtime { get; }

    public CriOptions Options => new() { Endpoint = Cri.Socket, LogDirectory = Cri.Directory.File("logs"), PollInterval = TimeSpan.FromMilliseconds(20) };

    public string Version { get; set; } = "1.6.20";

    public List<PodSandbox> Pods { get; } = [];

    public List<Container> Containers { get; } = [];

    public List<Image> Images { get; } = [new Image { Id = ImageId, RepoTags = { ImageName } }];

    /// <summary>What verbose answers add, by id of the container or pod.</summary>
    public Dictionary<string, string> Infos { get; } = [];

    /// <summary>The last container that was asked for, with its pod.</summary>
    public CreateContainerRequest? Asked { get; private set; }

    /// <summary>Our own process stands for every container: its cgroup may be a container's, and that id must be the one that is told.</summary>
    private static string OwnId { get; } = Id64().Match(File.ReadAllText("/proc/1/cgroup")) is { Success: true } match ? match.Value : new string('e', 64);

    public static async Task<FakeNode> StartAsync() => new(await FakeCri.StartAsync());

    public PodSandbox AddPod(string name, string space = "default", bool ready = true, string? id = null)
    {
        var pod = new PodSandbox
        {
            Id = id ?? NewId('b'),
            Metadata = new PodSandboxMetadata { Name = name, Namespace = space, Uid = $"uid-{name}" },
            State = ready ? PodSandboxState.SandboxReady : PodSandboxState.SandboxNotready,
        };
        Pods.Add(pod);
        return pod;
    }

    /// <summary>A container whose process is the first of all, which always exists.</summary>
    public Container Add(string name, PodSandbox pod, ContainerState state = ContainerState.ContainerRunning, string? id = null)
    {
        var container = new Container
        {
            Id = id ?? NewId('c'),
            PodSandboxId = pod.Id,
            Metadata = new ContainerMetadata { Name = name },
            Image = new ImageSpec { Image = ImageId },
            ImageRef = ImageId,
            State = state,
            CreatedAt = 1_000_000_000L * ++_made,
        };
        Containers.Add(container);
        Infos[container.Id] = """{"pid":1,"runtimeSpec":{}}""";
        return container;
    }

    /// <summary>A container whose id is in the cgroup of process 1, if any is.</summary>
    public Container AddInspectable(string name, PodSandbox pod) => Add(name, pod, id: OwnId);

    public async ValueTask DisposeAsync()
    {
        Runtime.Dispose();
        await Cri.DisposeAsync();
    }

    private string NewId(char letter) => $"{++_made:x4}".PadRight(64, letter);

    private void Serve()
    {
        Cri.On<VersionRequest>("Version", _ => new VersionResponse { Version = "0.1.0", RuntimeName = "containerd", RuntimeVersion = Version, RuntimeApiVersion = "v1" });
        Cri.On<ListPodSandboxRequest>("ListPodSandbox", r => Locked(() => new ListPodSandboxResponse
        {
            Items = { Pods.Where(p => r.Filter?.LabelSelector is not { } wanted || wanted.All(l => p.Labels.GetValueOrDefault(l.Key) == l.Value)) },
        }));
        Cri.On<ListContainersRequest>("ListContainers", _ => Locked(() => new ListContainersResponse { Containers = { Containers } }));
        Cri.On<ListImagesRequest>("ListImages", _ => new ListImagesResponse { Images = { Images } });
        Cri.On<ImageStatusRequest>("ImageStatus", r => new ImageStatusResponse
        {
            Image = Images.FirstOrDefault(i => i.Id == r.Image.Image || i.RepoTags.Contains(r.Image.Image) || i.RepoDigests.Contains(r.Image.Image)),
        });
        Cri.On<ContainerStatusRequest>("ContainerStatus", r => Locked(() => Status(Containers.FirstOrDefault(c => c.Id == r.ContainerId) ?? throw Missing(r.ContainerId))));
        Cri.On<PodSandboxStatusRequest>("PodSandboxStatus", r => Locked(() => Status(Pods.FirstOrDefault(p => p.Id == r.PodSandboxId) ?? throw Missing(r.PodSandboxId))));
        Cri.On<RunPodSandboxRequest>("RunPodSandbox", r => Locked(() => new RunPodSandboxResponse { PodSandboxId = Run(r.Config).Id }));
        Cri.On<CreateContainerRequest>("CreateContainer", r => Locked(() =>
        {
            Asked = r;
            var made = AddInspectable(r.Config.Metadata.Name, Pods.Single(p => p.Id == r.PodSandboxId));
            made.State = ContainerState.ContainerCreated;
            return new CreateContainerResponse { ContainerId = made.Id };
        }));
        Cri.On<StartContainerRequest>("StartContainer", r => Locked(() =>
        {
            Containers.Single(c => c.Id == r.ContainerId).State = ContainerState.ContainerRunning;
            return new Nothing();
        }));
        Cri.On<StopPodSandboxRequest>("StopPodSandbox", r => Locked(() =>
        {
            Pods.Single(p => p.Id == r.PodSandboxId).State = PodSandboxState.SandboxNotready;
            return new Nothing();
        }));
        Cri.On<RemovePodSandboxRequest>("RemovePodSandbox", r => Locked(() =>
        {
            Assert.Equal(PodSandboxState.SandboxNotready, Pods.Single(p => p.Id == r.PodSandboxId).State);
            Containers.RemoveAll(c => c.PodSandboxId == r.PodSandboxId);
            Pods.RemoveAll(p => p.Id == r.PodSandboxId);
            return new Nothing();
        }));
    }

    private PodSandbox Run(PodSandboxConfig config)
    {
        var pod = new PodSandbox { Id = NewId('b'), Metadata = config.Metadata, State = PodSandboxState.SandboxReady, Labels = { config.Labels } };
        Pods.Add(pod);
        return pod;
    }

    private ContainerStatusResponse Status(Container container) => new()
    {
        Status = new ContainerStatus
        {
            Id = container.Id,
            Metadata = container.Metadata,
            State = container.State,
            Image = new ImageSpec { Image = ImageName },
            ImageRef = container.ImageRef,
            Labels = { container.Labels },
            LogPath = "/var/log/pods/x/0.log",
            Mounts = { new Mount { ContainerPath = "/data", HostPath = "/srv/data", Readonly = true, Propagation = MountPropagation.PropagationHostToContainer } },
        },
        Info = { { "info", Infos[container.Id] } },
    };

    private PodSandboxStatusResponse Status(PodSandbox pod)
    {
        var answer = new PodSandboxStatusResponse { Status = new PodSandboxStatus { Id = pod.Id, Metadata = pod.Metadata, State = pod.State, Labels = { pod.Labels } } };
        if (Infos.TryGetValue(pod.Id, out var info))
        {
            answer.Info.Add("info", info);
        }

        return answer;
    }

    /// <summary>As containerd says it.</summary>
    private static RpcException Missing(string id) => new(new Status(StatusCode.NotFound, $"an error occurred when try to find container \"{id}\": not found"));

    private T Locked<T>(Func<T> answer)
    {
        lock (_lock)
        {
            return answer();
        }
    }

    /// <summary>Changes what there is while others may ask.</summary>
    public void Change(Action<FakeNode> change) => Locked<object?>(() =>
    {
        change(this);
        return null;
    });

    [GeneratedRegex("[0-9a-f]{64}")]
    private static partial Regex Id64();
}
