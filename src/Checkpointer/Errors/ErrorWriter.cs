using Checkpointer.Cli.Output;
using Checkpointer.Engine;

namespace Checkpointer.Cli.Errors;

/// <summary>Tells an error: lines on standard error, and with <c>--json</c> the object on standard output. Returns the exit code.</summary>
internal static class ErrorWriter
{
    private const string Defect =
        "This is a defect of checkpointer: report it to its maintainers with the output of the same command under "
        + $"{EnvironmentNames.Debug}=1.";

    public static int Write(CliHost host, Exception exception, WorkloadRole role, bool json, bool debug)
    {
        var report = Describe(exception, role);
        if (json)
        {
            var line = System.Text.Json.JsonSerializer.Serialize(new ErrorOutput { Error = report }, CliJson.Default.ErrorOutput);
            host.Out.WriteLine(line);
            host.Out.Flush();
        }

        foreach (var line in ErrorText.Lines(report, role))
        {
            host.Lines.Write(line);
        }

        if (debug)
        {
            host.Lines.Write(exception.ToString());
        }

        return report.ExitCode;
    }

    /// <summary>The report of an exception; a verb that concerns no workload says nothing about one.</summary>
    public static ErrorReport Describe(Exception exception, WorkloadRole role)
    {
        var report = ErrorReport.From(Translate(exception));
        if (report.Code == "internal-error")
        {
            report = report with { Remedy = Defect };
        }

        return role == WorkloadRole.None ? report with { WorkloadRunning = null } : report;
    }

    /// <summary>What the kernel forbids is a matter of privileges, whichever layer met it.</summary>
    private static Exception Translate(Exception exception)
    {
        var isDenied = exception is UnauthorizedAccessException || (exception is RepositoryException && Denied(exception));
        return isDenied
            ? new HostException(
                "no-permission",
                exception.Message.TrimEnd('.'),
                "Run it as root, for example with sudo, or name files of your own.",
                exception)
            : exception;
    }

    private static bool Denied(Exception exception)
    {
        for (var inner = exception.InnerException; inner is not null; inner = inner.InnerException)
        {
            if (inner is UnauthorizedAccessException)
            {
                return true;
            }
        }

        return false;
    }
}
