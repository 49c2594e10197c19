using Checkpointer.Engine.Preflight;

namespace Checkpointer.Engine.Containers;

/// <summary>What an inspection finds of a pod beyond each of its containers.</summary>
/// <param name="Subject">The pod.</param>
/// <param name="Members">One for each of its containers, in their order.</param>
/// <param name="Shared">Directories that several of them mount.</param>
/// <param name="Findings">All: of each container, with its name, and of the pod.</param>
internal sealed record PodInspection(PodSubject Subject, IReadOnlyList<Inspection> Members, IReadOnlyList<SharedMount> Shared, IReadOnlyList<Finding> Findings)
{
    public string Name => Subject.Members[0].Record.PodName ?? Subject.Label;

    public string? Namespace => Subject.Members[0].Record.PodNamespace;

    /// <summary>Destinations in a container that an earlier one has, too: their contents are captured there.</summary>
    public IReadOnlySet<string> SharedBefore(int member)
    {
        var name = NameOf(member);
        var earlier = Enumerable.Range(0, member).Select(NameOf).ToHashSet(StringComparer.Ordinal);
        return Shared.Where(s => s.Places.Exists(p => earlier.Contains(p.Container)))
            .SelectMany(static s => s.Places)
            .Where(p => p.Container == name)
            .Select(static p => p.Destination)
            .ToHashSet(StringComparer.Ordinal);
    }

    private string NameOf(int member) => Subject.Members[member].Record.Name;

    /// <summary>Looks at all of them, and at what they have in common. Touches nothing.</summary>
    public static PodInspection Look(PodSubject subject, Func<ContainerSubject, Inspection> inspect)
    {
        var members = subject.Members.Select(inspect).ToList();
        if (members.Count == 1)
        {
            return new PodInspection(subject, members, [], [.. subject.Findings, .. members[0].Verdict.Findings]);
        }

        var connected = PodSystemV.Assign(PodConnections.Join(members));
        List<Finding> findings = [.. subject.Findings];
        PodCheck.Run(subject, connected, findings);
        findings.AddRange(connected.SelectMany((m, i) => m.Verdict.Findings.Select(f => f with { Subject = $"{subject.Members[i].Record.Name}: {f.Subject}" })));
        return new PodInspection(subject, connected, PodMounts.Shared(subject, connected), [.. findings.OrderByDescending(static f => f.Severity)]);
    }
}
