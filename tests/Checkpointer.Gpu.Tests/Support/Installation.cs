namespace Checkpointer.Gpu.Tests;

/// <summary>Where what was built lies: <c>scripts/test.sh gpu</c> builds all of it.</summary>
internal static class Installation
{
    public static string Root { get; } = FindRoot();

    public static string Simulator => Built(Path.Combine(Root, "artifacts", "gpu-simulator"), "gpu-simulator");

    public static string Sample => Built(Path.Combine(Root, "artifacts", "gpu-simulator"), "gpu-sample");

    public static string Profile(string name) => Path.Combine(Root, "tests", "gpu-simulator", "profiles", name + ".conf");

    /// <summary>The directory of hook, init and GPU worker.</summary>
    public static string Shim => Path.GetDirectoryName(Built(Path.Combine(Root, "artifacts", "native"), "checkpointer-gpu"))!;

    public static string FaultHost => Built(Path.Combine(Root, "tests", "Checkpointer.FaultHost", "bin", "Debug", "net10.0"), "Checkpointer.FaultHost");

    /// <summary>CRIU, or null where there is none.</summary>
    public static string? Criu => new[]
    {
        Environment.GetEnvironmentVariable("CHECKPOINTER_CRIU"),
        Path.Combine(Root, "artifacts", "criu", "sbin", "criu"),
        "/usr/lib/checkpointer/criu",
        "/usr/sbin/criu",
    }.FirstOrDefault(File.Exists);

    /// <summary>Skips a test that needs real CRIU where there is none.</summary>
    public static string RequireCriu()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root");
        Assert.SkipWhen(Criu is null, "no CRIU here (CHECKPOINTER_CRIU)");
        return Criu!;
    }

    private static string Built(string directory, string name)
    {
        var path = Path.Combine(directory, name);
        Assert.True(File.Exists(path), $"not built: {path} (scripts/test.sh gpu builds it)");
        return path;
    }

    private static string FindRoot()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Checkpointer.sln")))
        {
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("outside of a checkout");
        }

        return directory;
    }
}
