using Checkpointer.Engine.Compatibility;

namespace Checkpointer.Engine.Containers;

/// <summary>Compares what containers of a pod had in common with what their placeholders have. Touches nothing.</summary>
internal static class PodPlacement
{
    public static IReadOnlyList<Finding> Check(PodPart pod, IReadOnlyList<ContainerTarget> targets)
    {
        FindingList findings = new();
        var inits = pod.Members.Select((m, i) => (m.Name, targets[i].Init.Pid)).ToDictionary(static m => m.Name, static m => m.Pid, StringComparer.Ordinal);
        foreach (var shared in pod.Shared)
        {
            // A place that is missing altogether is told by the check of its container.
            var found = shared.Places.Where(p => inits.ContainsKey(p.Container))
                .Select(p => PodMounts.IdentityOf(inits[p.Container], p.Destination))
                .Where(static identity => identity is not null)
                .Distinct()
                .Count();
            if (found > 1)
            {
                findings.Blocker(
                    "mount-not-shared",
                    FindingList.Enumerate([.. shared.Places.Select(static p => $"{p.Container}:{p.Destination}")]),
                    "different directories in the new containers",
                    "one directory, as the containers had",
                    "mount the same volume there in each of them");
            }
        }

        return findings.ToVerdict().Findings;
    }
}
