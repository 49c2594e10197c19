using Checkpointer.Engine.Compatibility;

namespace Checkpointer.Engine.Restoring;

/// <summary>One answer from the comparisons of several containers.</summary>
internal static class PodReport
{
    /// <summary>Connections come back closed in all containers or in none: one that goes on would wait for an end that is closed.</summary>
    public static IReadOnlyList<CompatibilityReport> Join(IReadOnlyList<CompatibilityReport> reports)
    {
        var close = reports.Any(static r => r.CloseTcp);
        return [.. reports.Select(r => r with { CloseTcp = close })];
    }

    /// <summary>All findings; those of one of several containers name it.</summary>
    /// <param name="record">What is restored.</param>
    /// <param name="reports">One a tree.</param>
    /// <param name="findings">Of the place as a whole, with its GPUs.</param>
    public static Verdict Verdict(WorkloadRecord record, IReadOnlyList<CompatibilityReport> reports, IReadOnlyList<Finding> findings)
    {
        var own = record.Pod is { Members.Count: > 1 } pod
            ? reports.SelectMany((r, i) => r.Verdict.Findings.Select(f => f with { Subject = $"{pod.Members[i].Name}: {f.Subject}" }))
            : reports[0].Verdict.Findings;
        return new Verdict([.. findings.Concat(own).OrderByDescending(static f => f.Severity)]);
    }
}
