using Checkpointer.Engine;
using Checkpointer.Platform;

namespace Checkpointer.Gpu.Tests;

/// <summary>A restored sample: it goes on writing its log, and is ended with the test.</summary>
internal sealed class RestoredTree(RestoreResult result, string log) : IDisposable
{
    public int Pid => result.Pid;

    public void AssertGoesOn()
    {
        var before = Lines();
        Sample.Wait(() => Lines() > before + 1, "another step of the restored process");
    }

    public void Dispose()
    {
        using var process = PidFd.Open(result.Pid);
        process?.Signal(Signals.Kill);
        process?.WaitExit(TimeSpan.FromSeconds(10), CancellationToken.None);
    }

    private int Lines()
    {
        using var file = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        var text = reader.ReadToEnd();
        Assert.DoesNotContain("WRONG", text);
        return text.Count(static c => c == '\n');
    }
}
