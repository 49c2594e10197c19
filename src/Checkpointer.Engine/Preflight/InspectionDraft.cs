using Checkpointer.Engine.Containers;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>One process of the tree with what /proc shows of its memory and files.</summary>
internal sealed record InspectedProcess(ProcessInfo Info, IReadOnlyList<ProcFd> Files, IReadOnlyList<ProcMapping> Mappings);

/// <summary>What the probes work on, and what they have found so far.</summary>
internal sealed class InspectionDraft
{
    /// <summary>A subject names at most this many things before it says how many more there are.</summary>
    private const int NamedAtMost = 5;

    private readonly List<Finding> _findings = [];

    public InspectionDraft(ProcessTree tree, IReadOnlyList<InspectedProcess> processes, IReadOnlyList<ProcMountInfo> mounts, InspectOptions options)
    {
        Tree = tree;
        Processes = processes;
        Mounts = mounts;
        Options = options;
    }

    public ProcessTree Tree { get; }

    public IReadOnlyList<InspectedProcess> Processes { get; }

    /// <summary>Mounts as the root of the tree sees them.</summary>
    public IReadOnlyList<ProcMountInfo> Mounts { get; }

    public InspectOptions Options { get; }

    public IReadOnlyList<Finding> Findings => _findings;

    public bool TcpEstablished { get; set; }

    public bool SkipInFlight { get; set; }

    public bool FileLocks { get; set; }

    public bool ShellJob { get; set; }

    public bool ExtUnixSk { get; set; }

    public bool LinkRemap { get; set; }

    /// <summary>Allocated bytes of the largest unlinked open file.</summary>
    public long LargestGhost { get; set; }

    public long GhostBytes { get; set; }

    public List<string> External { get; } = [];

    /// <summary>What was found of the container; null for a plain tree.</summary>
    public ContainerInspection? Container { get; set; }

    public List<StdioEnd> OutsideEnds { get; } = [];

    public List<Compatibility.TcpConnection> Connections { get; } = [];

    public List<Compatibility.ListeningAddress> Listening { get; } = [];

    /// <summary>Every descriptor of the tree with its process.</summary>
    public IEnumerable<(InspectedProcess Process, ProcFd File)> AllFiles()
    {
        return Processes.SelectMany(p => p.Files.Select(f => (p, f)));
    }

    public void Note(string code, string subject, string found, string needed, string remedy)
    {
        _findings.Add(new Finding(code, FindingSeverity.Note, subject, found, needed, remedy));
    }

    public void Overridable(string code, string subject, string found, string needed, string remedy)
    {
        _findings.Add(new Finding(code, FindingSeverity.Overridable, subject, found, needed, remedy));
    }

    public void Blocker(string code, string subject, string found, string needed, string remedy)
    {
        _findings.Add(new Finding(code, FindingSeverity.Blocker, subject, found, needed, remedy));
    }

    /// <summary>For subjects: <c>fd 3 of 123 (python3), fd 4 of 124 (sh) and 7 more</c>.</summary>
    public static string Enumerate(IReadOnlyCollection<string> names)
    {
        string named = string.Join(", ", names.Take(NamedAtMost));
        return names.Count <= NamedAtMost ? named : $"{named} and {names.Count - NamedAtMost} more";
    }

    public static string Name(InspectedProcess process, ProcFd file)
    {
        return $"fd {file.Fd} of {process.Info.Label}";
    }
}
