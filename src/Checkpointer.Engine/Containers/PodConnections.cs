using Checkpointer.Engine.Preflight;

namespace Checkpointer.Engine.Containers;

/// <summary>TCP connections between containers of one pod: each has an end, and both go on.</summary>
internal static class PodConnections
{
    private const string OutsideCode = "tcp-peer-outside";

    /// <summary>The same inspections; a peer in another container is inside now.</summary>
    public static IReadOnlyList<Inspection> Join(IReadOnlyList<Inspection> members)
    {
        HashSet<(string, string)> ends = [.. members.SelectMany(static m => m.Requirement.Connections).Select(static c => (c.Local, c.Remote))];
        return [.. members.Select(m => Join(m, ends))];
    }

    private static Inspection Join(Inspection member, HashSet<(string, string)> ends)
    {
        if (member.Requirement.Connections.Count == 0)
        {
            return member;
        }

        var connections = member.Requirement.Connections.Select(c => c with { PeerInside = c.PeerInside || ends.Contains((c.Remote, c.Local)) }).ToList();
        List<string> outside = [.. connections.Where(static c => !c.PeerInside).Select(static c => $"{c.Local} to {c.Remote}")];
        var findings = member.Verdict.Findings
            .Where(f => f.Code != OutsideCode || outside.Count > 0)
            .Select(f => f.Code == OutsideCode ? f with { Subject = InspectionDraft.Enumerate(outside) } : f);
        return member with { Requirement = member.Requirement with { Connections = connections }, Verdict = new Verdict([.. findings]) };
    }
}
