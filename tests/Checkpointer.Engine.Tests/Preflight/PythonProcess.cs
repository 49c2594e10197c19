using System.Diagnostics;
using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.Preflight;

/// <summary>A real little Python program: it does what a test needs, says <c>ready</c> and waits. Killed with its children afterwards.</summary>
internal sealed class PythonProcess : IDisposable
{
    // Nothing that the test's own starter left open may reach the program: it would be an outside end.
    private const string Beginning = "import os\nos.closerange(3, 4096)\n";
    private const string Ending = "\nimport sys, time\nprint('ready', flush=True)\ntime.sleep(600)\n";

    private readonly Process _process;

    private PythonProcess(Process process)
    {
        _process = process;
    }

    public int Pid => _process.Id;

    /// <summary>Starts it; skips the test where there is no Python, or where the program says <c>skip REASON</c>.</summary>
    public static PythonProcess Start(string script, string directory, params string[] before)
    {
        List<string> words = [.. before, "python3", "-c", Beginning + script + Ending];
        ProcessStartInfo start = new("/usr/bin/env", words) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = directory };
        PythonProcess python = new(Process.Start(start)!);
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(30));
        string? line = python._process.StandardOutput.ReadLineAsync(deadline.Token).AsTask().GetAwaiter().GetResult();
        if (line?.StartsWith("skip", StringComparison.Ordinal) == true)
        {
            python.Dispose();
            Assert.Skip(line);
        }

        if (line != "ready")
        {
            python.Dispose();
            Assert.Fail($"the program said '{line}'");
        }

        return python;
    }

    public Inspection Inspect(InspectOptions? options = null)
    {
        return WorkloadInspector.Inspect(Pid, options ?? new InspectOptions());
    }

    public void Dispose()
    {
        IReadOnlyList<int> pids = ProcessTree.Read(Pid)?.Processes.Select(p => p.Pid).ToList() ?? [];
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        foreach (int pid in pids)
        {
            // A grandchild whose parent died first is nobody's tree any more.
            using PidFd? straggler = PidFd.Open(pid);
            straggler?.Signal(Signals.Kill);
        }
    }
}
