using System.Diagnostics;
using System.Globalization;
using System.Text;
using Checkpointer.Node.Cri;
using CliWrap;

namespace Checkpointer.Containers.Tests;

/// <summary>
/// One node: own mount, net, uts, ipc, pid and cgroup namespaces, with containerd and a node service of its own. Pods have addresses in
/// <c>10.91.N.0/24</c> that the other nodes reach.
/// </summary>
internal sealed partial class ContainerNode : IDisposable
{
    internal static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(2);
    private readonly NodeWorld _world;
    private readonly int _number;
    private CriConnection? _cri;

    internal ContainerNode(NodeWorld world, int number)
    {
        _world = world;
        _number = number;
        Home = Path.Combine(world.Folder, Name);
        InitPid = int.Parse(File.ReadAllText(Path.Combine(Home, "init")), CultureInfo.InvariantCulture);
    }

    internal string Name => $"n{_number}";

    /// <summary>The folder with the node's state, configuration and logs, at the same path inside and outside.</summary>
    internal string Home { get; }

    /// <summary>Its PID 1, as this process sees it.</summary>
    internal int InitPid { get; }

    /// <summary>Its own file system, seen from here.</summary>
    internal string RootFolder => $"/proc/{InitPid}/root";

    internal string Address => AddressOf(_number);

    internal static string AddressOf(int number) => string.Create(CultureInfo.InvariantCulture, $"10.77.0.{10 + number}");

    /// <summary>containerd, as kubelet would talk to it.</summary>
    internal CriConnection Cri => _cri ??= new CriConnection(RootFolder + "/run/containerd/containerd.sock", TimeProvider.System);

    private string ContainerdLog => Path.Combine(Home, "logs", "containerd.log");

    /// <summary>Runs a command as if logged in on this node. Its environment is that of a node, not that of the tests.</summary>
    internal async Task<Outcome> RunAsync(IReadOnlyList<string> command, TimeSpan? limit = null)
    {
        var stdout = new StringBuilder();
        var stderr = new StringBuilder();
        var clock = Stopwatch.StartNew();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(limit ?? DefaultLimit);
        var text = $"{Name}: {string.Join(' ', command)}";
        try
        {
            var result = await Cli.Wrap("bash")
                .WithArguments([Path.Combine(Requirements.Scripts, "enter.sh"), _world.Folder, $"{_number}", "env", "-i", .. Settings(), .. command])
                .WithValidation(CommandResultValidation.None)
                .WithStandardOutputPipe(PipeTarget.ToStringBuilder(stdout))
                .WithStandardErrorPipe(PipeTarget.ToStringBuilder(stderr))
                .ExecuteAsync(deadline.Token);
            return new Outcome(text, result.ExitCode, stdout.ToString(), stderr.ToString(), clock.Elapsed);
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            throw new Xunit.Sdk.XunitException($"'{text}' did not end within {(limit ?? DefaultLimit).TotalSeconds:F0} s\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        }
    }

    /// <summary><c>checkpointer ARGUMENTS</c> on this node, through its service, with the shared repository.</summary>
    internal Task<Outcome> CheckpointerAsync(params string[] arguments) => RunAsync([Installation.Checkpointer, .. arguments]);

    /// <summary>A process of this node by the pid that the node knows it by, as this process sees it; 0: there is none.</summary>
    internal int HostPidOf(int pid)
    {
        const int Depth = 2; // this machine, the world, the node
        foreach (var candidate in Processes())
        {
            var pids = Lines($"/proc/{candidate}/status").FirstOrDefault(line => line.StartsWith("NSpid:", StringComparison.Ordinal))?.Split('\t');
            if (pids is { Length: > Depth + 1 } && pids[Depth + 1] == pid.ToString(CultureInfo.InvariantCulture))
            {
                return candidate;
            }
        }

        return 0;
    }

    /// <summary>Everything that runs on it, as this process sees it.</summary>
    internal IEnumerable<int> Processes()
    {
        var group = $"/{_world.Name}/{Name}";
        return Checkpointer.Integration.Tests.Processes.All()
            .Where(pid => Lines($"/proc/{pid}/cgroup").Any(line => line.Contains(group, StringComparison.Ordinal)));
    }

    public void Dispose() => _cri?.Dispose();

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private string[] Settings() =>
    [
        $"PATH={Requirements.Runtime}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=/root",
        "NO_COLOR=1",
        "CHECKPOINTER_SOCKET=/run/checkpointer/checkpointer.sock",
        $"CHECKPOINTER_REPO={TwoNodes.RepositoryName}",
        $"CHECKPOINTER_KEY_FILE={Path.Combine(_world.Folder, "key")}",
    ];
}
