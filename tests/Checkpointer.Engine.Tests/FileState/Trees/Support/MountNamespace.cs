using System.Diagnostics;
using System.Globalization;

namespace Checkpointer.Engine.Tests.FileState.Trees;

/// <summary>A process in a mount namespace of its own, as a container has one; its mounts go with it.</summary>
internal sealed class MountNamespace : IDisposable
{
    private readonly Process _process;

    /// <param name="script">Mounts what the namespace shall have.</param>
    public MountNamespace(string script)
    {
        Assert.SkipUnless(Platform.Host.EffectiveUid == 0, "mount namespaces need root");
        ProcessStartInfo start = new("unshare", ["--mount", "bash", "-e", "-c", script + "\necho ready; exec cat"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = Process.Start(start)!;
        if (_process.StandardOutput.ReadLine() != "ready")
        {
            var error = _process.StandardError.ReadToEnd();
            Dispose();
            Assert.Skip($"no mount namespace here: {error}");
        }
    }

    /// <summary>The root as somebody outside reaches it.</summary>
    public string Root => string.Create(CultureInfo.InvariantCulture, $"/proc/{_process.Id}/root");

    public IEnumerable<string> Mounts => File.ReadLines($"/proc/{_process.Id}/mountinfo").Select(static line => line.Split(' ')[4]);

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
