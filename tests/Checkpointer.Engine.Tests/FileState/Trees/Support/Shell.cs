using System.Diagnostics;
using System.Text;

namespace Checkpointer.Engine.Tests.FileState.Trees;

/// <summary>Small scripts that make trees: the tools of the system, not our own code.</summary>
internal static class Shell
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Runs a script in a directory; what it says, one character a byte. A failure is an exception with what it said.</summary>
    public static string Run(string directory, string script)
    {
        ProcessStartInfo start = new("bash", ["-e", "-c", script])
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.Latin1,
        };
        start.Environment["LC_ALL"] = "C";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(Limit))
        {
            process.Kill();
            throw new TimeoutException(script);
        }

        return process.ExitCode == 0 ? output.Result : throw new InvalidOperationException($"{script}\n{errors.Result}");
    }
}
