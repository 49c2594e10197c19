using System.Diagnostics;
using Checkpointer.Engine;

namespace Checkpointer.Gpu.Tests;

/// <summary>One node of simulated GPUs: SIMULATOR, no hardware. Its libraries lie in its folder and are loaded by path.</summary>
internal sealed class SimulatedNode : IDisposable
{
    private readonly Process _process;

    public SimulatedNode(string name = "a", string profile = "h100", params string[] settings)
    {
        Folder = Directory.CreateTempSubdirectory("gpu-node-").FullName;
        List<string> arguments = ["node", "--dir", Folder, "--profile", Installation.Profile(profile), "--name", name, "--set", "release-lag-ms=0"];
        arguments.AddRange(settings.SelectMany(static s => new[] { "--set", s }));
        _process = Process.Start(new ProcessStartInfo(Installation.Simulator, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Assert.Equal("ready", _process.StandardOutput.ReadLine());
        _process.ErrorDataReceived += static (_, _) => { };
        _process.BeginErrorReadLine();
    }

    public string Folder { get; }

    /// <summary>Where its device files are.</summary>
    public string Devices => $"/dev/nvidia-simulator.{_process.Id}";

    public string Cuda => Path.Combine(Folder, "libcuda.so.1");

    public GpuOptions Options => new()
    {
        CudaLibrary = Cuda,
        NvmlLibrary = Path.Combine(Folder, "libnvidia-ml.so.1"),
        LockLimit = TimeSpan.FromSeconds(20),
        CallLimit = TimeSpan.FromSeconds(20),
    };

    /// <summary>For a driver that hangs: it is not waited for so long. A call that is only late on a busy machine would be given up, too.</summary>
    public GpuOptions ImpatientOptions => Options with { LockLimit = TimeSpan.FromSeconds(5), CallLimit = TimeSpan.FromSeconds(4) };

    public int Fired => int.Parse(Control("fired"), System.Globalization.CultureInfo.InvariantCulture);

    public string Control(string command)
    {
        using var control = Process.Start(new ProcessStartInfo(Installation.Simulator, ["control", Folder, command]) { RedirectStandardOutput = true })!;
        var answer = control.StandardOutput.ReadToEnd().TrimEnd('\n');
        control.WaitForExit();
        Assert.True(control.ExitCode == 0, $"{command}: {answer}");
        return answer;
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(60)))
        {
            _process.Kill();
        }

        _process.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
