using System.Diagnostics;
using Checkpointer.Engine.Gpu;
using Checkpointer.Platform;

namespace Checkpointer.Gpu.Tests;

/// <summary>The CUDA program. It compares device memory with its own at every step, and ends with "WRONG" when they differ.</summary>
internal sealed class Sample : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process? _process;

    /// <param name="node">Where its GPUs are.</param>
    /// <param name="arguments">More for the program.</param>
    /// <param name="mib">Device memory.</param>
    /// <param name="inside">Whose child it becomes; null for ours.</param>
    /// <param name="before">What the shell does that becomes it: variables, open files.</param>
    public Sample(SimulatedNode node, string arguments = "", int mib = 4, Placeholder? inside = null, string before = "")
    {
        Log = Path.GetTempFileName();
        var command = $"{before} exec '{Installation.Sample}' --library '{node.Cuda}' --mib {mib} --pause-ms 5 {arguments} >>'{Log}' 2>/dev/null </dev/null";
        _process = inside is null ? Process.Start(new ProcessStartInfo("setsid", ["sh", "-c", command])) : null;
        Pid = inside?.Start(command) ?? _process!.Id;
        Wait(() => Steps > 0, "its first step");
        Identity = ProcessIdentity.Of(Pid)!;
    }

    /// <param name="pid">One that somebody else started.</param>
    /// <param name="log">Where it writes its steps.</param>
    public Sample(int pid, string log)
    {
        Log = log;
        Pid = pid;
        Wait(() => Steps > 0, "its first step");
        Identity = ProcessIdentity.Of(pid)!;
    }

    public string Log { get; }

    public int Pid { get; }

    public ProcessIdentity Identity { get; }

    public int Steps
    {
        get
        {
            using var file = new FileStream(Log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(file);
            var text = reader.ReadToEnd();
            Assert.DoesNotContain("WRONG", text);
            return text.Count(static c => c == '\n');
        }
    }

    public bool IsAlive => Identity.IsAlive();

    public GpuProcess ToGpuProcess() => new()
    {
        Pid = Pid,
        StartTime = Identity.StartTime,
        OwnPid = ProcessInfo.Read(Pid)?.OwnPid ?? Pid,
        Label = $"{Pid} (gpu-sample)",
    };

    /// <summary>It makes more steps, each of which proves its device memory right.</summary>
    public void AssertGoesOn()
    {
        var before = Steps;
        Wait(() => Steps > before + 1, "another step");
    }

    /// <summary>It makes no step: it waits for its GPU.</summary>
    public void AssertWaits()
    {
        var before = Steps;
        Thread.Sleep(200);
        Assert.InRange(Steps, before, before + 1);
    }

    public static void Wait(Func<bool> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < Patience, $"not within {Patience}: {what}");
            Thread.Sleep(10);
        }
    }

    /// <summary>Ends it; its log stays.</summary>
    public void End()
    {
        using (var process = Identity.Open())
        {
            process?.Signal(Signals.Kill);
        }

        // What is inside of a placeholder is reaped by it. A frozen one would end only in a thawed cgroup.
        Assert.True(_process?.WaitForExit(Patience) ?? true, $"{Pid} does not end");
    }

    public void Dispose()
    {
        End();
        _process?.Dispose();
        File.Delete(Log);
    }
}
