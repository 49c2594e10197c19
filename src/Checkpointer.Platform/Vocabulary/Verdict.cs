namespace Checkpointer;

/// <summary>The answer of a check: its findings, and whether they refuse.</summary>
public sealed record Verdict(IReadOnlyList<Finding> Findings)
{
    /// <summary>A verdict without findings: nothing speaks against it.</summary>
    public static Verdict Clean { get; } = new([]);

    /// <summary>True when the operation must not start. <paramref name="force"/> lifts overridables, never blockers.</summary>
    public bool Refuses(bool force)
    {
        foreach (Finding finding in Findings)
        {
            if (finding.Severity == FindingSeverity.Blocker || (finding.Severity == FindingSeverity.Overridable && !force))
            {
                return true;
            }
        }

        return false;
    }
}
