using System.Diagnostics;
using System.Globalization;
using Checkpointer.Platform;

namespace Checkpointer.Gpu.Tests;

/// <summary>A launcher that uses no GPU, and CUDA programs below it: one tree.</summary>
internal sealed class SampleTree : IDisposable
{
    private readonly Process _launcher;

    /// <param name="node">Where the GPUs are.</param>
    /// <param name="programs">How many.</param>
    /// <param name="before">What the launcher does first: variables.</param>
    public SampleTree(SimulatedNode node, int programs = 2, string before = "")
    {
        var logs = Enumerable.Range(0, programs).Select(static _ => Path.GetTempFileName()).ToList();
        var commands = logs.Select(log => $"'{Installation.Sample}' --library '{node.Cuda}' --mib 2 --pause-ms 5 >>'{log}' 2>/dev/null </dev/null & echo $! >'{log}.pid';");
        _launcher = Process.Start(new ProcessStartInfo("setsid", ["sh", "-c", $"exec >/dev/null 2>&1 </dev/null; {before} {string.Concat(commands)} wait"]))!;
        Samples = [.. logs.Select(log => new Sample(PidIn(log + ".pid"), log))];
        Root = ProcessIdentity.Of(_launcher.Id)!;
    }

    /// <summary>The launcher.</summary>
    public ProcessIdentity Root { get; }

    public IReadOnlyList<Sample> Samples { get; }

    public bool IsAlive => Root.IsAlive() || Samples.Any(static s => s.IsAlive);

    public void Dispose()
    {
        using (var root = Root.Open())
        {
            root?.Signal(Signals.Kill);
        }

        _launcher.WaitForExit();
        _launcher.Dispose();
        foreach (var sample in Samples)
        {
            sample.Dispose();
        }
    }

    private static int PidIn(string path)
    {
        var pid = 0;
        Sample.Wait(() => File.Exists(path) && int.TryParse(File.ReadAllText(path), CultureInfo.InvariantCulture, out pid), path);
        File.Delete(path);
        return pid;
    }
}
