using Checkpointer.Cli.Errors;

namespace Checkpointer.Cli.Output;

/// <summary>Findings as people read them: what refuses first.</summary>
internal static class FindingText
{
    /// <summary>What a finding says where there is nothing to say.</summary>
    private const string Nothing = "nothing";

    /// <summary>
    /// The findings of an operation that was done all the same: those that were overridden, and how many notes there are. Whoever
    /// wants to read the notes again has preflight, except for those about the parent snapshot, which are told here.
    /// </summary>
    public static IEnumerable<string> AfterSuccess(IReadOnlyList<Finding> findings)
    {
        var notes = findings.Count(finding => finding.Severity == FindingSeverity.Note && !IsOfParent(finding));
        var (words, them) = notes == 1 ? ("note", "it") : ("notes", "them");
        return Lines([.. findings.Where(finding => finding.Severity != FindingSeverity.Note || IsOfParent(finding))])
            .Concat(notes == 0 ? [] : [$"  {notes} {words}: preflight and --json show {them}"]);
    }

    public static IEnumerable<string> Lines(IReadOnlyList<Finding> findings)
    {
        foreach (var finding in findings.OrderByDescending(finding => finding.Severity))
        {
            // Errors about an object begin with its name.
            var subject = finding.Found.StartsWith(finding.Subject + " ", StringComparison.Ordinal) ? "" : $"{finding.Subject}: ";
            yield return ErrorText.OneLine($"  {Name(finding.Severity)}: {subject}{finding.Found} ({finding.Code})");
            if (finding.Needed is not ("" or Nothing))
            {
                yield return ErrorText.OneLine($"    needed: {finding.Needed}");
            }

            if (finding.Remedy is not ("" or Nothing))
            {
                yield return ErrorText.OneLine($"    remedy: {finding.Remedy}");
            }
        }
    }

    private static bool IsOfParent(Finding finding) => finding.Code.StartsWith("parent-", StringComparison.Ordinal);

    private static string Name(FindingSeverity severity) => severity switch
    {
        FindingSeverity.Blocker => "blocker",
        FindingSeverity.Overridable => "overridable",
        _ => "note",
    };
}
