using System.Globalization;
using Checkpointer.Cli.Output;
using Checkpointer.Repository;

namespace Checkpointer.Cli.Verbs;

/// <summary>A prune as people read it: the plan before it is executed, the result after.</summary>
internal static class PruneText
{
    public static IEnumerable<string> Plan(PrunePlan plan)
    {
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{plan.Snapshots} snapshots use {plan.PacksInUse} packs, {ByteSize.Format(plan.BytesInUse)} with their maps");
        if (plan.Writers > 0)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{plan.Writers} writers are running or died less than a day ago: what is younger stays ('unlock' shows them)");
        }

        foreach (var kind in plan.Deletions.GroupBy(d => d.Reason))
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"  to delete: {kind.Count(),6} {PruneOutput.Word(kind.Key),-18} {ByteSize.Format(kind.Sum(d => d.Bytes))}");
        }

        if (plan.Repacks.Count > 0)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"  to rewrite: {plan.Repacks.Count,5} {"mostly dead packs",-18} {ByteSize.Format(plan.Repacks.Sum(r => r.Bytes))}, of which {ByteSize.Format(plan.Repacks.Sum(r => r.LiveBytes))} are in use");
        }

        if (plan.Young > 0)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture, $"  too young: {plan.Young,6} {"unreferenced",-18} {ByteSize.Format(plan.YoungBytes)}");
        }
    }

    public static IEnumerable<string> Result(PruneReport report)
    {
        foreach (var line in FindingText.Lines([.. report.Plan.Findings, .. report.Findings]))
        {
            yield return line;
        }

        if (!report.Executed)
        {
            yield return $"dry run: nothing was changed; {ByteSize.Format(report.Plan.BytesToFree)} would be freed";
            yield break;
        }

        var repacked = report.Repacked > 0
            ? string.Create(CultureInfo.InvariantCulture, $", {report.Repacked} packs rewritten as {ByteSize.Format(report.BytesRewritten)}")
            : "";
        yield return string.Create(
            CultureInfo.InvariantCulture, $"{report.Deleted} objects deleted, {ByteSize.Format(report.BytesFreed)} freed{repacked}");
    }
}
