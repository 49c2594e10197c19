using Checkpointer.Cli.Output;
using Checkpointer.Engine;

namespace Checkpointer.Cli.Errors;

/// <summary>The lines of an error: what happened, how to mend it, what state everything is in, where the log is.</summary>
internal static class ErrorText
{
    public static IEnumerable<string> Lines(ErrorReport report, WorkloadRole role)
    {
        var isAttention = report.ExitCode == (int)ExitCode.Attention;
        yield return $"{(isAttention ? "ATTENTION" : "error")}: {OneLine(report.Message).TrimEnd('.')}";
        foreach (var finding in FindingText.Lines(report.Findings))
        {
            yield return finding;
        }

        if (Remedy(report) is { } remedy)
        {
            yield return $"remedy: {OneLine(remedy)}";
        }

        if (State(report, role) is { } state)
        {
            yield return $"state: {state}";
        }

        if (report.LogFile is not null)
        {
            yield return $"log: {OneLine(report.LogFile)}";
        }
    }

    /// <summary>Findings bring their own remedies; what is left to say of a refusal is whether it can be overridden.</summary>
    private static string? Remedy(ErrorReport report)
    {
        var refusing = report.Findings.Where(finding => finding.Severity != FindingSeverity.Note).ToList();
        if (report.ExitCode != (int)ExitCode.Refused || refusing.Count == 0)
        {
            return report.Remedy;
        }

        return refusing.Any(finding => finding.Severity == FindingSeverity.Blocker)
            ? "Mend what the blockers say; --force does not lift them."
            : "Mend what the findings say, or go on in spite of them with --force.";
    }

    /// <summary>What became of the workload and the snapshot; null where the verb concerns none.</summary>
    private static string? State(ErrorReport report, WorkloadRole role)
    {
        // Wrong usage is found before anything is looked at: there is no state to tell.
        if (role == WorkloadRole.None || report.ExitCode == (int)ExitCode.Usage)
        {
            return null;
        }

        return role == WorkloadRole.Checkpoints
            ? $"{Workload(report)}; {Snapshot(report)}"
            : $"{Restored(report.WorkloadState)}; the snapshot is untouched";
    }

    /// <summary>A service that went away, or says nothing, may have committed before: then nobody here knows of a snapshot.</summary>
    private static string Snapshot(ErrorReport report) => report switch
    {
        { SnapshotDurable: true } => "the snapshot is durable",
        { SnapshotDurable: null } => "whether a snapshot was made is not known: 'checkpointer list' shows it",
        _ => "no snapshot was made",
    };

    private static string Workload(ErrorReport report) => report.WorkloadState switch
    {
        "untouched" when report.WorkloadRunning != true => "nothing was touched",
        "untouched" => "the workload was not touched and runs on",
        "running" => "the workload runs",
        "gone" => "the workload has ended",
        _ => "whether the workload runs is not known: look at it before you go on",
    };

    private static string Restored(string state) => state switch
    {
        "untouched" or "gone" => "nothing of the restored workload runs",
        "running" => "the restored workload runs",
        _ => "whether a restored workload runs is not known: look before you restore again",
    };

    /// <summary>Messages may quote names that a workload chose: control characters do not reach the terminal.</summary>
    public static string OneLine(string text)
    {
        return string.Create(text.Length, text, static (span, source) =>
        {
            for (var i = 0; i < source.Length; i++)
            {
                span[i] = char.IsControl(source[i]) ? ' ' : source[i];
            }
        });
    }
}
