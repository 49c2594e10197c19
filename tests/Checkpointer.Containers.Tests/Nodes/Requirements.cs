namespace Checkpointer.Containers.Tests;

/// <summary>What these tests need of the machine and the checkout; what is not there skips them by name.</summary>
internal static class Requirements
{
    /// <summary>The prefix with containerd, runc and CNI plugins.</summary>
    internal static string Runtime => Path.Combine(Installation.Root, "artifacts", "container-runtime");

    internal static string Images => Path.Combine(Installation.Root, "artifacts", "container-images");

    /// <summary>A root file system with Python, redis and nginx, as an image.</summary>
    internal static string ToolsImage => Path.Combine(Runtime, "tools.tar");

    /// <summary>The image of one program from Debian's packages, <c>localhost/NAME:1</c>.</summary>
    internal static string ProgramImage(string name) => Path.Combine(Installation.Root, "artifacts", "program-images", name + ".tar");

    internal static string Scripts => Path.Combine(Installation.Root, "tests", "containers");

    /// <summary>Why there is no image of a program, in the words of the setup; null: there is one.</summary>
    internal static string? MissingProgram(string name)
    {
        var reason = Path.ChangeExtension(ProgramImage(name), ".reason");
        return File.Exists(ProgramImage(name)) ? null : $"no image of {name}: {(File.Exists(reason) ? File.ReadAllText(reason).Trim() : "run scripts/setup.sh --programs")}";
    }

    /// <summary>Why no node can be started here, as far as that is known without trying; null: nothing speaks against it.</summary>
    internal static string? Missing()
    {
        if (!System.Environment.IsPrivilegedProcess)
        {
            return "nodes of containers need root";
        }

        if (!File.Exists(Path.Combine(Runtime, "bin", "containerd")))
        {
            return "no containerd in artifacts/container-runtime: run scripts/setup.sh, which says why it cannot provide it";
        }

        if (!File.Exists(Path.Combine(Images, "workload.tar")))
        {
            return "no images in artifacts/container-images: run scripts/test.sh";
        }

        if (!File.Exists(Installation.Checkpointer) || !File.Exists(Path.Combine(Installation.Bin, "checkpointer-init")))
        {
            return "no artifacts/bin/checkpointer: run scripts/build.sh";
        }

        return Installation.Criu is null ? "no CRIU here: run scripts/setup.sh" : null;
    }
}
