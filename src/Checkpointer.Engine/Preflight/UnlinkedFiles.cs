using Checkpointer.Engine.Criu;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>Files that are open or mapped but were removed under their name.</summary>
internal sealed class UnlinkedFiles
{
    private readonly InspectionDraft _draft;
    private readonly Dictionary<(DeviceNumber Device, ulong Inode), FileStatus> _ghosts = [];
    private readonly SortedSet<string> _linked = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _large = new(StringComparer.Ordinal);

    public UnlinkedFiles(InspectionDraft draft)
    {
        _draft = draft;
    }

    /// <summary>Things that look like deleted files and are the kernel's own: memfds, shared anonymous and System V memory, aio rings.</summary>
    public static bool IsKernelObject(string path)
    {
        return path.StartsWith("/memfd:", StringComparison.Ordinal) || path.StartsWith("/SYSV", StringComparison.Ordinal)
            || path is "/dev/zero" or "/[aio]" or "/anon_hugepage";
    }

    public void Add(string path, FileStatus status, string who)
    {
        if (status.Links > 0)
        {
            _linked.Add($"{path} ({who})");
            return;
        }

        _ghosts[(status.Device, status.Inode)] = status;
        if (status.Allocated > _draft.Options.GhostAllowed)
        {
            _large.Add($"{path} ({who}): {ByteSize.Format(status.Allocated)}");
        }
    }

    public void Report()
    {
        _draft.GhostBytes = _ghosts.Values.Sum(g => g.Allocated);
        _draft.LargestGhost = _ghosts.Values.Select(g => g.Allocated).DefaultIfEmpty(0).Max();
        if (_large.Count > 0)
        {
            _draft.Blocker("ghost-file-too-large", InspectionDraft.Enumerate(_large), "deleted, but still open or mapped",
                $"at most {ByteSize.Format(_draft.Options.GhostAllowed)}", "close the file, or restart the program that writes it");
        }
        else if (_draft.LargestGhost > TreeOptions.DefaultGhostLimit)
        {
            _draft.Note("ghost-files", _draft.Tree.Root.Label, $"{_ghosts.Count} deleted files of {ByteSize.Format(_draft.GhostBytes)} are still open", "nothing",
                "nothing: they travel with the snapshot");
        }

        if (_linked.Count > 0)
        {
            _draft.LinkRemap = true;
            _draft.Overridable("unlinked-file-has-links", InspectionDraft.Enumerate(_linked), "removed under the name it was opened by, but it has other names",
                "a file with a name, or without any: CRIU gives it a new name (link_remap.N) beside the old one, and the restore needs that on the same file system",
                "close the file, or force it and restore on this node");
        }
    }
}
