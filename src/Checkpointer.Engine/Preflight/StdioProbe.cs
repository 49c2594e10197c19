using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>Pipes, fifos and terminals whose other end is outside of the tree.</summary>
internal static class StdioProbe
{
    /// <summary>An outside end names at most this many descriptors; a tree of 10,000 processes shares one stdout.</summary>
    internal const int MostDescriptors = 64;

    private const int LastStandardFd = 2;

    public static void Run(InspectionDraft draft)
    {
        Pipes(draft);
        Terminals(draft);
    }

    /// <summary>
    /// Adds an outside end: a note where it is somebody's stdin, stdout or stderr, or a pipe that the tree only writes to (a log keeps
    /// what it writes, and stray ends that a shell handed down are of this kind). Else it refuses unless forced: the tree would read an end.
    /// </summary>
    internal static void AddEnd(InspectionDraft draft, StdioEnd end, string code, string found)
    {
        draft.OutsideEnds.Add(end);
        string subject = $"{end.Description} (fd {end.Descriptors[0].Fd} of {end.Descriptors[0].Pid})";
        const string Remedy = "map it at restore with --stdin, --stdout or --stderr";
        bool isOutput = end is { Kind: StdioKind.Pipe, Direction: StdioDirection.Write };
        if (end.Kind == StdioKind.Tty || isOutput || end.Descriptors.Any(d => d.Fd <= LastStandardFd))
        {
            draft.Note(code, subject, found, "nothing", $"{Remedy}; by default it comes back as a log");
        }
        else
        {
            draft.Overridable(code, subject, found, "both ends in the tree, or the end being stdin, stdout or stderr",
                "close it, checkpoint a root that includes the other end, or force it: the restored process will find the other end closed");
        }
    }

    private static void Pipes(InspectionDraft draft)
    {
        List<IGrouping<string, (InspectedProcess Process, ProcFd File)>> groups = draft.AllFiles()
            .Where(f => f.File.Status.Type == FileType.Fifo && !f.File.Info.IsPathOnly)
            .GroupBy(f => f.File.Target, StringComparer.Ordinal)
            .ToList();
        IReadOnlyDictionary<string, string> holders = OutsideHolders.Find(draft.Tree, groups.Select(g => g.Key).ToHashSet(StringComparer.Ordinal));
        foreach (IGrouping<string, (InspectedProcess Process, ProcFd File)> group in groups.Where(g => holders.ContainsKey(g.Key)))
        {
            bool reads = group.Any(f => f.File.Info.CanRead);
            bool writes = group.Any(f => f.File.Info.CanWrite);
            bool isPipe = group.First().File.InodeOf("pipe") is not null;
            if (reads && writes)
            {
                draft.Note("pipe-shared", $"{group.Key} ({InspectionDraft.Name(group.First().Process, group.First().File)})", $"process {holders[group.Key]} has it open too", "nothing",
                    "nothing, if that process does not use it: it stays behind");
                continue;
            }

            StdioEnd end = new()
            {
                Kind = isPipe ? StdioKind.Pipe : StdioKind.Fifo,
                Direction = reads ? StdioDirection.Read : StdioDirection.Write,
                Key = isPipe ? group.Key : group.Key.TrimStart('/'),
                Descriptors = References(group),
                Description = group.Key,
            };
            AddEnd(draft, end, isPipe ? "pipe-other-end-outside" : "fifo-other-end-outside", $"process {holders[group.Key]} has the other end");
        }
    }

    private static void Terminals(InspectionDraft draft)
    {
        List<(InspectedProcess Process, ProcFd File)> terminals = draft.AllFiles()
            .Where(f => f.File.Status.Type == FileType.CharacterDevice && !f.File.Info.IsPathOnly && Terminal.IsTerminal(f.File.Status.RepresentedDevice))
            .ToList();
        HashSet<int> ownMasters = [.. terminals.Select(f => f.File.Info.TerminalIndex).OfType<int>()];
        foreach (IGrouping<string, (InspectedProcess Process, ProcFd File)> group in terminals.GroupBy(f => Terminal.Key(f.File.Status), StringComparer.Ordinal))
        {
            (_, ProcFd file) = group.First();
            DeviceNumber device = file.Status.RepresentedDevice;
            bool isInside = Terminal.IsMaster(device) || (Terminal.SlaveIndex(device) is { } index && ownMasters.Contains(index))
                || (Terminal.IsCurrent(device) && group.All(f => HasOwnTerminal(f.Process, ownMasters)));
            if (isInside)
            {
                continue;
            }

            draft.External.Add(group.Key);
            StdioEnd end = new()
            {
                Kind = StdioKind.Tty,
                Direction = StdioDirection.Both,
                Key = group.Key,
                Descriptors = References(group),
                Description = file.Target,
            };
            AddEnd(draft, end, "tty-other-end-outside", "the terminal belongs to a program outside of the tree");
        }
    }

    private static bool HasOwnTerminal(InspectedProcess process, HashSet<int> ownMasters)
    {
        uint number = (uint)process.Info.Stat.Terminal;
        DeviceNumber terminal = new((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xfff00));
        return Terminal.SlaveIndex(terminal) is { } index && ownMasters.Contains(index);
    }

    internal static IReadOnlyList<FdReference> References(IEnumerable<(InspectedProcess Process, ProcFd File)> files)
    {
        return files
            .Select(f => new FdReference(f.Process.Info.OwnPid, f.File.Fd))
            .OrderBy(r => r.Fd)
            .ThenBy(r => r.Pid)
            .Take(MostDescriptors)
            .ToList();
    }
}
