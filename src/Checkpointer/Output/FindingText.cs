using Checkpointer.Cli.Errors;

namespace Checkpointer.Cli.Output;

/// <summary>Findings as people read them: what refuses first.</summary>
internal static class FindingText
{
    public static IEnumerable<string> Lines(IReadOnlyList<Finding> findings)
    {
        foreach (var finding in findings.OrderByDescending(finding => finding.Severity))
        {
            yield return ErrorText.OneLine($"  {Name(finding.Severity)}: {finding.Subject}: {finding.Found} ({finding.Code})");
            if (finding.Needed.Length > 0)
            {
                yield return ErrorText.OneLine($"    needed: {finding.Needed}");
            }

            if (finding.Remedy.Length > 0)
            {
                yield return ErrorText.OneLine($"    remedy: {finding.Remedy}");
            }
        }
    }

    private static string Name(FindingSeverity severity) => severity switch
    {
        FindingSeverity.Blocker => "blocker",
        FindingSeverity.Overridable => "overridable",
        _ => "note",
    };
}
