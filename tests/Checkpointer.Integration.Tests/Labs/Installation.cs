namespace Checkpointer.Integration.Tests;

/// <summary>Where the product under test and its helpers are, found once for a run.</summary>
internal static class Installation
{
    private static readonly Lazy<string?> Missing = new(FindWhatIsMissing);

    internal static string Root { get; } = FindRoot();

    internal static string Bin => Path.Combine(Root, "artifacts", "bin");

    internal static string Checkpointer => Path.Combine(Bin, "checkpointer");

    internal static string Workloads => Path.Combine(Root, "tests", "workloads");

    /// <summary>The .NET workload, built with the tests.</summary>
    internal static string HeapProgram => Path.Combine(Workloads, "Heap", "bin", "Debug", "net10.0", "Heap.dll");

    /// <summary>The engine in a process that dies or loses its store at a chosen moment, built with the tests.</summary>
    internal static string FaultHost => Path.Combine(Root, "tests", "Checkpointer.FaultHost", "bin", "Debug", "net10.0", "Checkpointer.FaultHost");

    /// <summary>The memory filler, compiled by <c>scripts/test.sh</c>.</summary>
    internal static string Filler => Path.Combine(Root, "artifacts", "workloads", "fill");

    /// <summary>The process whose memory drifts, compiled by <c>scripts/test.sh</c>.</summary>
    internal static string Drifter => Path.Combine(Root, "artifacts", "workloads", "drift");

    /// <summary>The CRIU of <c>CHECKPOINTER_CRIU</c>, of <c>scripts/setup.sh</c>, or of PATH.</summary>
    internal static string? Criu { get; } = FindCriu();

    /// <summary>Skips the calling test, with the reason, where real checkpoints cannot be made.</summary>
    internal static void SkipUnlessUsable()
    {
        if (Missing.Value is { } reason)
        {
            Assert.Skip(reason);
        }
    }

    /// <summary>The full path of a program, or null.</summary>
    internal static string? FindProgram(string name)
    {
        var folders = (System.Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append(Path.Combine(Root, "artifacts", "tools"));
        return folders.Where(folder => folder.Length > 0).Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }

    /// <summary>Skips the calling test where a program that its workload needs is absent.</summary>
    internal static string NeedProgram(string name)
    {
        var found = FindProgram(name);
        if (found is null)
        {
            Assert.Skip($"{name} is not installed; scripts/setup.sh brings it");
        }

        return found!;
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Checkpointer.sln")))
        {
            folder = Path.GetDirectoryName(folder)
                ?? throw new InvalidOperationException("These tests run from a checkout: no Checkpointer.sln above " + AppContext.BaseDirectory);
        }

        return folder;
    }

    private static string? FindCriu()
    {
        var named = System.Environment.GetEnvironmentVariable("CHECKPOINTER_CRIU");
        if (!string.IsNullOrEmpty(named))
        {
            return named;
        }

        var own = Path.Combine(Root, "artifacts", "criu", "sbin", "criu");
        return File.Exists(own) ? own : FindProgram("criu");
    }

    private static string? FindWhatIsMissing()
    {
        if (!System.Environment.IsPrivilegedProcess)
        {
            return "real checkpoints need root";
        }

        if (Criu is null)
        {
            return "no CRIU here: run scripts/setup.sh";
        }

        foreach (var name in new[] { "checkpointer", "checkpointer-hook", "checkpointer-init" })
        {
            if (!File.Exists(Path.Combine(Bin, name)))
            {
                return $"no artifacts/bin/{name}: run scripts/build.sh";
            }
        }

        using var check = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo(Criu, "check") { RedirectStandardError = true, RedirectStandardOutput = true })!;
        check.OutputDataReceived += (_, _) => { };
        check.BeginOutputReadLine();
        var complaints = check.StandardError.ReadToEnd();
        check.WaitForExit();
        return check.ExitCode == 0 ? null : "criu check says no: " + complaints.Trim().Split('\n')[^1];
    }
}
