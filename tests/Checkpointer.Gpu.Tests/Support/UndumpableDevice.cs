using System.Diagnostics;

namespace Checkpointer.Gpu.Tests;

/// <summary>A device file that opens, and that CRIU does not know how to dump: it has FUSE's number, and is no GPU's by its name.</summary>
internal sealed class UndumpableDevice : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gpu-device-");

    public UndumpableDevice()
    {
        using var made = Process.Start("mknod", [Path, "c", "10", "229"]);
        made.WaitForExit();
        Assert.Equal(0, made.ExitCode);
    }

    public string Path => System.IO.Path.Combine(_folder.FullName, "device");

    public void Dispose() => _folder.Delete(recursive: true);
}
