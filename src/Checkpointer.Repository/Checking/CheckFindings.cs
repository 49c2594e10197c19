using System.Globalization;

namespace Checkpointer.Repository;

/// <summary>Collects findings: one for each object and kind, however often it is met, with every snapshot that it harms.</summary>
internal sealed class CheckFindings
{
    /// <summary>Notes of one kind that are told one by one; the rest are counted.</summary>
    internal const int MaxNotes = 1000;

    private readonly List<(Finding Finding, HashSet<SnapshotId> Harmed)> _findings = [];
    private readonly Dictionary<(string Code, string Subject), int> _numbers = [];
    private readonly Dictionary<string, int> _notes = new(StringComparer.Ordinal);

    /// <summary>Adds what an error says, or the snapshot to a finding that is there. Answers the number of the finding.</summary>
    public int Add(RepositoryException error, string subject, SnapshotId? harmed)
    {
        string about = error.ObjectName ?? subject;
        string code = CodeOf(error, about);
        if (!_numbers.TryGetValue((code, about), out int number))
        {
            number = _findings.Count;
            _numbers[(code, about)] = number;
            _findings.Add((new Finding(code, FindingSeverity.Blocker, about, error.Message, "an intact object", RemedyOf(code, error)), []));
        }

        Harm(number, harmed);
        return number;
    }

    public void Harm(int number, SnapshotId? snapshot)
    {
        if (snapshot is { } id)
        {
            _findings[number].Harmed.Add(id);
        }
    }

    public void Note(string code, string subject, string found, string remedy)
    {
        int count = _notes[code] = _notes.GetValueOrDefault(code) + 1;
        if (count <= MaxNotes)
        {
            _findings.Add((new Finding(code, FindingSeverity.Note, subject, found, "", remedy), []));
        }
    }

    public IReadOnlyList<CheckFinding> All()
    {
        foreach ((string code, int count) in _notes.Where(n => n.Value > MaxNotes))
        {
            string more = string.Create(CultureInfo.InvariantCulture, $"{count - MaxNotes} more of them");
            _findings.Add((new Finding(code, FindingSeverity.Note, "others", more, "", ""), []));
        }

        return
        [
            .. _findings.Select(f => new CheckFinding(
                f.Finding, [.. f.Harmed.OrderBy(s => s.Lineage.ToString(), StringComparer.Ordinal).ThenBy(s => s.Generation)])),
        ];
    }

    /// <summary>The kind of damage by the kind of object; what is no damage keeps its own code.</summary>
    private static string CodeOf(RepositoryException error, string about)
    {
        if (error.Code != RepositoryCodes.Damaged)
        {
            return error.Code;
        }

        string? kind = about switch
        {
            _ when about.StartsWith(ObjectNames.PacksPrefix, StringComparison.Ordinal) => "pack",
            _ when about.StartsWith(ObjectNames.MapsPrefix, StringComparison.Ordinal) => "map",
            _ when about.StartsWith(ObjectNames.MovesPrefix, StringComparison.Ordinal) => "move",
            _ when about.StartsWith(ObjectNames.KeysPrefix, StringComparison.Ordinal) => "key",
            _ when about.EndsWith(ObjectNames.SupersededSuffix, StringComparison.Ordinal) => "marker",
            _ when about.StartsWith(ObjectNames.SnapshotsPrefix, StringComparison.Ordinal) => "manifest",
            _ => null,
        };
        return kind is null ? error.Code : kind + (Damage.IsMissing(error) ? "-missing" : "-damaged");
    }

    private static string RemedyOf(string code, RepositoryException error) => code switch
    {
        "pack-missing" or "pack-damaged" or "map-missing" or "map-damaged" or "move-damaged" or "manifest-damaged" =>
            "bring the object back from a copy or backup of the repository; else restore another snapshot, and delete those that are harmed",
        "marker-damaged" => "the snapshot counts as superseded: 'restore --latest' refuses it without --force; bring the marker back from a copy, or remove it where its workload did not run on",
        "key-damaged" => "bring the object back from a copy or backup of the repository, or remove it with 'checkpointer key remove' and add the key again",
        _ => error.Remedy ?? "restore another snapshot",
    };
}
