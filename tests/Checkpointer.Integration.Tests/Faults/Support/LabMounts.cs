namespace Checkpointer.Integration.Tests;

/// <summary>Small file systems below a lab; they go with it.</summary>
internal static class LabMounts
{
    internal static async Task MountTmpfsAsync(this Lab lab, string path, string size)
    {
        Directory.CreateDirectory(path);
        (await lab.RunAsync(Installation.NeedProgram("mount"), ["-t", "tmpfs", "-o", $"size={size},mode=700", "lab", path], Lab.DefaultLimit)).MustSucceed();
    }
}
