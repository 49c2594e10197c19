namespace Checkpointer.Containers.Tests;

/// <summary>One kind of container that must survive its move.</summary>
internal sealed record MatrixRow(string Name, ContainerOptions Options)
{
    internal const int ExitCode = 42;
    private const string Code = "42";
    private const string EmptyDirectory = "kubernetes.io~empty-dir";

    /// <summary>Folders below the node's data directory, mounted; other ones on each node.</summary>
    internal IReadOnlyList<(string Folder, string Destination)> Volumes { get; init; } = [];

    /// <summary>What is written into the volumes is brought to the other node by the test, as a cluster's storage would.</summary>
    internal bool BringVolumes { get; init; }

    /// <summary>The workload's root is not PID 1 of its container.</summary>
    internal bool Tini { get; init; }

    internal static IReadOnlyList<MatrixRow> All { get; } =
    [
        Row("first process", "memory=16", "identity", "timers"),
        Row("under tini", "memory=8", "forks=2", "identity") with { Tini = true },
        Row("threads", "threads=6"),
        Row("forks", "forks=4", "orphan"),
        Row("shared memory", "shm", "devshm"),
        Row("system V", "sysv"),
        Row("unlinked files", "unlinked"),
        Row("unix sockets", "unix", "pipes", "events"),
        Row("connected TCP", "tcp"),
        Row("listening TCP", "listen=7100"),
        Row("changed files", "files", "append"),
        Row("terminal", static o => o with { Tty = true }, "terminal", "identity"),
        Row("not root", static o => o with { User = 1000 }, "memory=8", "identity", "files"),
        Row("read-only root", static o => o with { ReadOnlyRoot = true }, "memory=8", "readonly", "shm"),
        Row("seccomp", static o => o with { Seccomp = true, NoNewPrivileges = true }, "memory=8", "threads", "identity"),
        Row("bind mounts", "bind=/data") with { Volumes = [("volume", "/data")], BringVolumes = true },
        Row("emptyDir", "bind=/cache") with { Volumes = [($"{EmptyDirectory}/cache", "/cache")] },
    ];

    internal static MatrixRow Named(string name) => All.Single(row => row.Name == name);

    /// <summary>The container on a node; its volumes are made.</summary>
    internal ContainerOptions On(ContainerNode node, string pod) => Options with
    {
        Command = Tini ? ["/tini", "--", .. Options.Command] : Options.Command,
        Mounts = [.. Volumes.Select(volume => new BindMount(FolderOn(node, pod, volume.Folder), volume.Destination))],
    };

    internal static string FolderOn(ContainerNode node, string pod, string folder) => Directory.CreateDirectory(Path.Combine(node.Home, "data", pod, folder)).FullName;

    private static MatrixRow Row(string name, params string[] checks) => Row(name, static o => o, checks);

    private static MatrixRow Row(string name, Func<ContainerOptions, ContainerOptions> more, params string[] checks) =>
        new(name, more(ContainerOptions.Workload(["--code", Code, .. checks])));
}
