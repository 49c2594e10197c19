using System.Diagnostics;

namespace Checkpointer.Engine.Tests.Support;

/// <summary>A real little process of one test, killed and reaped afterwards.</summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;

    public ChildProcess(string file, params string[] arguments)
    {
        _process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })
            ?? throw new InvalidOperationException($"{file} did not start");
    }

    public int Pid => _process.Id;

    public StreamReader Output => _process.StandardOutput;

    public bool HasEnded => Platform.ProcStat.Read(Pid) is not { IsZombie: false };

    public static ChildProcess Sleeping() => new("/bin/sleep", "600");

    /// <summary>Waits until /proc shows one of these states.</summary>
    public void AwaitState(params char[] states)
    {
        var deadline = Stopwatch.StartNew();
        while (deadline.Elapsed < TimeSpan.FromSeconds(60))
        {
            if (Platform.ProcStat.Read(Pid) is { } stat && states.Contains(stat.State))
            {
                return;
            }

            Thread.Sleep(10);
        }

        Assert.Fail($"process {Pid} never came into state {string.Join('/', states)}");
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }
}
