namespace Checkpointer.Engine.Compatibility;

/// <summary>Collects findings.</summary>
internal sealed class FindingList
{
    /// <summary>More findings of one code than this are summed up: a missing package can mean a thousand files.</summary>
    public const int MostOfOneCode = 20;

    private const int NamedAtMost = 8;

    private readonly List<Finding> _findings = [];

    public void Note(string code, string subject, string found, string needed, string remedy)
    {
        Add(new Finding(code, FindingSeverity.Note, subject, found, needed, remedy));
    }

    public void Overridable(string code, string subject, string found, string needed, string remedy)
    {
        Add(new Finding(code, FindingSeverity.Overridable, subject, found, needed, remedy));
    }

    public void Blocker(string code, string subject, string found, string needed, string remedy)
    {
        Add(new Finding(code, FindingSeverity.Blocker, subject, found, needed, remedy));
    }

    public static string Enumerate(IReadOnlyCollection<string> names)
    {
        string named = string.Join(", ", names.Take(NamedAtMost));
        return names.Count <= NamedAtMost ? named : $"{named} and {names.Count - NamedAtMost} more";
    }

    /// <summary>The findings, heaviest first, each code at most <see cref="MostOfOneCode"/> times and then one that counts the rest.</summary>
    public Verdict ToVerdict()
    {
        List<Finding> result = [];
        foreach (IGrouping<(string Code, FindingSeverity Severity), Finding> group in _findings.GroupBy(f => (f.Code, f.Severity)))
        {
            result.AddRange(group.Take(MostOfOneCode));
            int rest = group.Count() - MostOfOneCode;
            if (rest > 0)
            {
                result.Add(group.First() with { Subject = $"{rest} more", Found = "the same", Needed = "the same" });
            }
        }

        return new Verdict([.. result.OrderByDescending(f => f.Severity)]);
    }

    private void Add(Finding finding)
    {
        _findings.Add(finding);
    }
}
