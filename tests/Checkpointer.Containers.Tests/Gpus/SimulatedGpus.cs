using CliWrap;
using CliWrap.Buffered;

namespace Checkpointer.Containers.Tests;

/// <summary>
/// The simulated GPUs of a node: SIMULATOR, no hardware. The driver's libraries lie in the same place on every node, and the device files in
/// the same place in every container, as NVIDIA's own do.
/// </summary>
internal sealed class SimulatedGpus : IAsyncDisposable
{
    internal const string CudaLibrary = Folder + "/libcuda.so.1";
    internal const string NvmlLibrary = Folder + "/libnvidia-ml.so.1";

    private const string Folder = "/run/gpu";
    private const string DeviceFolder = Folder + "/devices";
    private const string DevicesInside = "/dev/nvidia-simulator";
    private const string Program = "gpus";
    private static readonly string[] DeviceNames = ["nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"];
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private SimulatedGpus(ContainerNode node)
    {
        Node = node;
    }

    internal ContainerNode Node { get; }

    private static string Built => Path.Combine(Installation.Root, "artifacts", "gpu-simulator");

    private static string Simulator => Path.Combine(Built, "gpu-simulator");

    /// <summary>Two GPUs, whose ids are the node's own. Skips the calling test where the simulator is not built.</summary>
    internal static async Task<SimulatedGpus> StartAsync(ContainerNode node)
    {
        Assert.SkipUnless(File.Exists(Simulator), "no simulated GPUs in artifacts/gpu-simulator: run scripts/test.sh");
        (await node.RunAsync(["mkdir", "-p", Folder])).MustSucceed();
        var profile = Path.Combine(Installation.Root, "tests", "gpu-simulator", "profiles", "h100.conf");
        var log = await node.StartProgramAsync(
            Program, "bash", "-c",
            $"exec '{Simulator}' node --dir {Folder} --devices {DeviceFolder} --profile '{profile}' --name {node.Name} --set gpus=2 --set release-lag-ms=0 < <(sleep infinity)");
        var gpus = new SimulatedGpus(node);
        await Eventually.TrueAsync($"simulated GPUs on {node.Name}: {ContainerNode.EndOf(log)}", Limit, () => File.Exists(log) && File.ReadLines(log).Contains("ready"));
        return gpus;
    }

    /// <summary>A container whose only process computes on both GPUs, or one, and compares with the host at every step.</summary>
    internal static ContainerOptions Options(string name, int? only = null) => new()
    {
        Image = ContainerOptions.ToolsImage,
        Name = name,
        Command = [.. only is { } number ? new[] { "/bin/env", $"CUDA_VISIBLE_DEVICES={number}" } : [], Path.Combine(Built, "gpu-sample"), "--library", CudaLibrary, "--mib", "4", "--pause-ms", "20"],
        Mounts = [new BindMount(Folder, Folder), new BindMount(Built, Built, ReadOnly: true)],
        Devices = [.. DeviceNames.Where(n => only is null || !char.IsAsciiDigit(n[^1]) || n == $"nvidia{only}").Select(static n => new BindMount($"{DeviceFolder}/{n}", $"{DevicesInside}/{n}"))],
    };

    /// <summary>Asked from outside: what a test waits for must be seen while it lasts, and entering a node takes a loaded machine seconds.</summary>
    internal async Task<string> ControlAsync(string command)
    {
        var answer = await Cli.Wrap(Simulator).WithArguments(["control", Node.RootFolder + Folder, command]).ExecuteBufferedAsync(TestContext.Current.CancellationToken);
        return answer.StandardOutput.Trim();
    }

    /// <summary>Waits until the driver was asked to do something; the run must last until then.</summary>
    internal async Task MustBeAskedAsync(string verb, Task<Outcome> run)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (!(await ControlAsync("log")).Split('\n').Any(line => line.StartsWith(verb + " before", StringComparison.Ordinal)))
        {
            Assert.False(run.IsCompleted, run.IsCompletedSuccessfully ? $"it has ended already: {run.Result}" : "it has ended already");
            Assert.True(clock.Elapsed < Limit, $"the driver was not asked to {verb}");
        }
    }

    public async ValueTask DisposeAsync() => await Node.KillAsync(Program);
}
