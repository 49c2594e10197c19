using Checkpointer.Platform;

namespace Checkpointer.Engine.Tests.FileState.Trees;

/// <summary>Directories and mounts of one test; all of it is gone afterwards, whatever became of the test.</summary>
internal sealed class MountedDirectory : IDisposable
{
    private readonly List<string> _mounts = [];

    public MountedDirectory()
    {
        Path = Directory.CreateTempSubdirectory("ckpt-tree-").FullName;
    }

    public string Path { get; }

    public string Make(string name) => Directory.CreateDirectory(System.IO.Path.Combine(Path, name)).FullName;

    /// <summary>Mounts something, or skips the test where that is not possible.</summary>
    public string Mount(string name, string arguments, bool make = true)
    {
        Assert.SkipUnless(Host.EffectiveUid == 0, "mounting needs root");
        var place = make ? Make(name) : System.IO.Path.Combine(Path, name);
        try
        {
            Shell.Run(Path, $"mount {arguments} '{place}'");
        }
        catch (InvalidOperationException e)
        {
            Assert.Skip($"it cannot be mounted here: {e.Message}");
        }

        _mounts.Add(place);
        return place;
    }

    public string Tmpfs(string name) => Mount(name, "-t tmpfs -o mode=755 test");

    /// <summary>An overlay of <paramref name="lower"/>, with an upper directory of its own. (Work and upper directory on a tmpfs: the temporary directory may be an overlay itself.)</summary>
    public TestOverlay Overlay(string name, string lower, string options = "")
    {
        var store = Tmpfs(name + "-store");
        var upper = Directory.CreateDirectory(System.IO.Path.Combine(store, "upper")).FullName;
        Directory.CreateDirectory(System.IO.Path.Combine(store, "work"));
        var merged = Mount(name, $"-t overlay -o lowerdir={lower},upperdir={upper},workdir={store}/work{options} test");
        return new TestOverlay(upper, merged);
    }

    public void Dispose()
    {
        for (var i = _mounts.Count - 1; i >= 0; i--)
        {
            Mounts.Unmount(_mounts[i], detach: true);
        }

        Shell.Run("/", $"rm -rf --one-file-system '{Path}'");
    }
}

/// <summary>An overlay that is mounted.</summary>
internal sealed record TestOverlay(string Upper, string Merged);
