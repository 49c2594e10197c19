namespace Checkpointer.Engine;

/// <summary>Turns a verdict that refuses into the error that people read.</summary>
internal static class Refusal
{
    /// <exception cref="RefusedException">The verdict refuses; the message names the first reason, the findings hold all.</exception>
    public static void ThrowIf(Verdict verdict, bool force, string what)
    {
        if (!verdict.Refuses(force))
        {
            return;
        }

        var reasons = verdict.Findings
            .Where(f => f.Severity == FindingSeverity.Blocker || (f.Severity == FindingSeverity.Overridable && !force))
            .OrderByDescending(static f => f.Severity)
            .ToList();
        var first = reasons[0];
        var more = reasons.Count > 1 ? $" (and {reasons.Count - 1} more)" : "";
        var lift = reasons.TrueForAll(static f => f.Severity == FindingSeverity.Overridable) ? " --force lifts it." : "";
        throw new RefusedException("refused", $"{what}: {first.Subject}: {first.Found}, needed: {first.Needed}{more}.", first.Remedy + lift)
        {
            Findings = verdict.Findings,
        };
    }
}
