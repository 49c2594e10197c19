using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Checkpointer.Containers.Tests;

/// <summary>
/// Nodes that see each other and nothing else: <c>tests/containers/lab.sh</c> makes them and takes them away again when this process
/// closes its stdin, whichever way it ends. What a killed supervisor left is swept by the next run.
/// </summary>
internal sealed class NodeWorld : IAsyncDisposable
{
    /// <summary>Folders and cgroups are named so, followed by something random.</summary>
    internal const string Prefix = "ckl-";
    internal const string Place = "/tmp";

    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan EndLimit = TimeSpan.FromMinutes(2);
    private readonly Process _supervisor;
    private readonly StringBuilder _complaints = new();

    private NodeWorld(string folder, Process supervisor)
    {
        Folder = folder;
        _supervisor = supervisor;
        _supervisor.ErrorDataReceived += (_, line) =>
        {
            lock (_complaints)
            {
                _complaints.AppendLine(line.Data);
            }
        };
        _supervisor.BeginErrorReadLine();
    }

    /// <summary>Shared by the nodes, as a network file system would be; short, because sockets lie below it.</summary>
    internal string Folder { get; }

    internal string Name => Path.GetFileName(Folder);

    internal int SupervisorPid => _supervisor.Id;

    internal IReadOnlyList<ContainerNode> Nodes { get; private set; } = [];

    /// <summary>Starts a world; its nodes run nothing yet. Skips the calling test where there can be none.</summary>
    internal static async Task<NodeWorld> StartAsync(int nodes)
    {
        if (Requirements.Missing() is { } missing)
        {
            throw new NodesUnavailableException(missing);
        }

        await SweepAsync();
        var folder = Path.Combine(Place, Prefix + RandomNumberGenerator.GetHexString(8, lowercase: true));
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await File.WriteAllTextAsync(Path.Combine(folder, "owner"), $"{Environment.ProcessId} {Processes.StartTimeOf(Environment.ProcessId)}\n");
        var supervisor = Process.Start(new ProcessStartInfo("bash", [Path.Combine(Requirements.Scripts, "lab.sh"), folder, $"{nodes}", Requirements.Runtime])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var world = new NodeWorld(folder, supervisor);
        try
        {
            await world.WaitUntilReadyAsync();
            world.Nodes = [.. Enumerable.Range(1, nodes).Select(number => new ContainerNode(world, number))];
            return world;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes away what dead runs left.</summary>
    internal static async Task<string> SweepAsync(string prefix = Prefix)
    {
        using var sweep = Process.Start(new ProcessStartInfo("bash", [Path.Combine(Requirements.Scripts, "sweep.sh"), Place, prefix]) { RedirectStandardOutput = true })!;
        var text = await sweep.StandardOutput.ReadToEndAsync();
        await sweep.WaitForExitAsync();
        return text;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes)
        {
            node.Dispose();
        }

        _supervisor.StandardInput.Close();
        using var deadline = new CancellationTokenSource(EndLimit);
        try
        {
            await _supervisor.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            throw new InvalidOperationException($"The nodes of {Folder} did not end within {EndLimit.TotalSeconds:F0} s. {Complaints()}");
        }

        _supervisor.Dispose();
        if (Directory.Exists(Folder))
        {
            throw new InvalidOperationException($"The nodes left {Folder}. {Complaints()}");
        }
    }

    private async Task WaitUntilReadyAsync()
    {
        using var deadline = new CancellationTokenSource(StartLimit);
        string? line;
        try
        {
            line = await _supervisor.StandardOutput.ReadLineAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"No nodes within {StartLimit.TotalSeconds:F0} s. {Complaints()}"));
        }

        const string Unable = "unable: ";
        if (line?.StartsWith(Unable, StringComparison.Ordinal) == true)
        {
            throw new NodesUnavailableException(line[Unable.Length..]);
        }

        if (line != "ready")
        {
            throw new InvalidOperationException($"The nodes could not be started: {line} {Complaints()}");
        }
    }

    private string Complaints()
    {
        lock (_complaints)
        {
            return _complaints.ToString();
        }
    }
}

/// <summary>There can be no nodes on this machine: tests are skipped with this reason.</summary>
internal sealed class NodesUnavailableException(string reason) : Exception(reason);
