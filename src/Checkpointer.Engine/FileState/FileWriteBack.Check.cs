using System.Globalization;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Platform;

namespace Checkpointer.Engine.FileState;

/// <summary>What speaks against writing the files: looked at before anything is touched.</summary>
internal sealed partial class FileWriteBack
{
    /// <summary>Far above what any tree maps from tmpfs; bounds what a manifest can make us look at.</summary>
    private const int MaxFiles = 100_000;

    private const int MaxPathLength = 4096;

    /// <summary>Characters of all paths together: the journal names them.</summary>
    private const long MaxPathCharacters = 8 << 20;

    /// <summary>Findings that would make the write-back harm somebody or fail.</summary>
    public List<Finding> Check()
    {
        List<Finding> findings = [];
        if (_files.Count > MaxFiles || _files.Sum(static f => (long)f.Path.Length) > MaxPathCharacters)
        {
            findings.Add(new Finding(
                "state-files-many", FindingSeverity.Blocker, "files", $"{_files.Count} files", $"at most {MaxFiles}, with {MaxPathCharacters} characters of paths",
                "Restore another snapshot."));
            return findings;
        }

        var users = new Lazy<HashSet<(string, ulong)>>(InUse);
        foreach (var file in _files)
        {
            if (Check(file, users) is { } finding)
            {
                findings.Add(finding);
            }
        }

        if (findings.TrueForAll(static f => f.Severity != FindingSeverity.Blocker) && Replaced() is { Count: > 0 } replaced)
        {
            findings.Add(new Finding(
                "state-files-replaced", FindingSeverity.Note, FindingList.Enumerate(replaced),
                replaced.Count == 1 ? "the file is there, and not known to be as in the snapshot" : $"{replaced.Count} files are there, and not known to be as in the snapshot",
                "their contents at the checkpoint",
                "nothing, if what was written since may go when the restored workload runs (until then it is kept, and put back if the restore fails); else copy it first"));
        }

        return findings;
    }

    /// <summary>Existing files that a restore would replace.</summary>
    private List<string> Replaced() =>
        [.. _files.Where(static f => !IsSame(f) && FileStatus.Of(f.Path, followLinks: false) is { Type: FileType.Regular }).Select(static f => f.Path)];

    /// <summary>The closest directory above that exists; the ones between are recorded, or null when one is not.</summary>
    private string? ExistingAbove(string path)
    {
        var directory = Path.GetDirectoryName(path);
        while (directory is not null && !Directory.Exists(directory))
        {
            if (!_directories.ContainsKey(directory))
            {
                return null;
            }

            directory = Path.GetDirectoryName(directory);
        }

        return directory;
    }

    private Finding? Check(StateFile file, Lazy<HashSet<(string, ulong)>> users)
    {
        if (file.Size < 0)
        {
            return new Finding(
                "state-file-size", FindingSeverity.Blocker, file.Path, $"a size of {file.Size} bytes", "one that files have",
                "The snapshot does not come from a checkpoint; do not restore it.");
        }

        if (!IsClean(file.Path))
        {
            return new Finding(
                "state-file-path", FindingSeverity.Blocker, file.Path, "a path that is not absolute and canonical",
                "one that is", "The snapshot does not come from a checkpoint; do not restore it.");
        }

        var directory = ExistingAbove(file.Path);
        if (directory is null)
        {
            return new Finding(
                "state-directory-missing", FindingSeverity.Blocker, file.Path, "its directory is missing", "the directory of the file",
                $"Make it: mkdir -p {Path.GetDirectoryName(file.Path)}");
        }

        if (Real(directory) is var real && real != directory)
        {
            return new Finding(
                "state-file-link", FindingSeverity.Blocker, file.Path, $"{directory} leads to {real}", "a directory that no link leads through",
                "Replace the link by the directory itself.");
        }

        if (file.OnTmpfs && !FileSystems.IsTmpfs(directory))
        {
            return new Finding(
                "state-not-tmpfs", FindingSeverity.Blocker, file.Path, $"{directory} is on a disk", "a tmpfs, as where it was dumped",
                $"Mount a tmpfs there: mount -t tmpfs tmpfs {directory}");
        }

        var there = FileStatus.Of(file.Path, followLinks: false);
        if (there is null || IsSame(file))
        {
            return null;
        }

        if (there.Type != FileType.Regular)
        {
            return new Finding(
                "state-file-kind", FindingSeverity.Blocker, file.Path, "something that is no regular file", "nothing, or the file as it was",
                "Move it away.");
        }

        return users.Value.Contains((Name(there.Device), there.Inode))
            ? new Finding(
                "state-file-in-use", FindingSeverity.Overridable, file.Path, "another content, in use by a running process",
                "the captured content", "End the process that uses it.")
            : null;
    }

    private static string? Real(string directory)
    {
        using var handle = RootedOpen.OpenRoot(directory);
        return new FileInfo(NameOf(handle)).LinkTarget;
    }

    /// <summary>Absolute, no empty, dot or dot-dot part, no control character.</summary>
    internal static bool IsClean(string path) =>
        path.Length is > 1 and <= MaxPathLength
        && path[0] == '/' && path[^1] != '/'
        && !path.Any(char.IsControl)
        && path[1..].Split('/').All(static part => part is not ("" or "." or ".."));

    /// <summary>
    /// The file is there as it was captured: nobody wrote to it since (a restore on the node of the dump). On tmpfs nothing tells that:
    /// writing through a mapping leaves its times as they are.
    /// </summary>
    private static bool IsSame(StateFile file) =>
        !file.OnTmpfs && FileStatus.Of(file.Path, followLinks: false) is { Type: FileType.Regular } there
        && there.Size == file.Size && there.ModifiedNanoseconds == file.ModifiedNanoseconds
        && there.Uid == file.Uid && there.Gid == file.Gid;

    // As /proc/PID/maps spells it.
    private static string Name(DeviceNumber device) => string.Create(CultureInfo.InvariantCulture, $"{device.Major:x2}:{device.Minor:x2}");

    private static HashSet<(string, ulong)> InUse()
    {
        HashSet<(string, ulong)> used = [];
        foreach (var pid in ProcessTree.AllPids())
        {
            foreach (var fd in ProcFd.ReadAll(pid))
            {
                used.Add((Name(fd.Status.Device), fd.Status.Inode));
            }

            foreach (var map in ProcMaps.Read(pid))
            {
                used.Add((map.Device, map.Inode));
            }
        }

        return used;
    }
}
