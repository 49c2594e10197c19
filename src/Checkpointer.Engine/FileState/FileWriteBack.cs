using System.Globalization;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState;

/// <summary>
/// Writes captured files back before a restore. Paths come from a manifest: each is checked, resolved without following links, and a
/// file on tmpfs goes to a tmpfs or nowhere.
/// </summary>
internal sealed class FileWriteBack
{
    /// <summary>Far above what any tree maps from tmpfs; bounds what a manifest can make us look at.</summary>
    private const int MaxFiles = 100_000;

    private const int MaxPathLength = 4096;

    private readonly IReadOnlyList<StateFile> _files;
    private readonly Dictionary<string, StateDirectory> _directories;

    public FileWriteBack(IReadOnlyList<StateFile> files, IReadOnlyList<StateDirectory> directories)
    {
        _files = files;
        _directories = directories.Where(static d => IsClean(d.Path)).DistinctBy(static d => d.Path).ToDictionary(static d => d.Path, StringComparer.Ordinal);
    }

    /// <summary>Findings that would make the write-back harm somebody or fail.</summary>
    public List<Finding> Check()
    {
        List<Finding> findings = [];
        if (_files.Count > MaxFiles)
        {
            findings.Add(new Finding("state-files-many", FindingSeverity.Blocker, "files", $"{_files.Count} files", $"at most {MaxFiles}", "Restore another snapshot."));
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

        return findings;
    }

    /// <summary>Writes every file that is not there already as it was captured. Returns the paths that it made, to be undone on failure.</summary>
    public async Task<List<string>> WriteAsync(SnapshotReader reader, CancellationToken cancellationToken)
    {
        List<string> made = [];
        foreach (var file in _files.Where(static f => !IsSame(f)))
        {
            MakeDirectories(Path.GetDirectoryName(file.Path)!);
            var existed = File.Exists(file.Path);
            await WriteAsync(reader, file, cancellationToken).ConfigureAwait(false);
            if (!existed)
            {
                made.Add(file.Path);
            }
        }

        return made;
    }

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

    private void MakeDirectories(string path)
    {
        if (Directory.Exists(path))
        {
            return;
        }

        MakeDirectories(Path.GetDirectoryName(path)!);
        Directory.CreateDirectory(path, StateDirectories.Private);
        var recorded = _directories[path];
        using var handle = RootedOpen.OpenRoot(path);
        FileOwnership.SetOwner(handle, recorded.Uid, recorded.Gid);
        File.SetUnixFileMode(path, (UnixFileMode)(recorded.Mode & 0x3ff));
    }

    private Finding? Check(StateFile file, Lazy<HashSet<(string, ulong)>> users)
    {
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

    /// <summary>Absolute, no empty, dot or dot-dot part, no control character.</summary>
    private static bool IsClean(string path) =>
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

    private static async Task WriteAsync(SnapshotReader reader, StateFile file, CancellationToken cancellationToken)
    {
        var directory = Path.GetDirectoryName(file.Path)!;
        var name = string.Create(CultureInfo.InvariantCulture, $".{Path.GetFileName(file.Path)}.checkpointer-{Environment.ProcessId}");
        using var root = RootedOpen.OpenRoot(directory);
        var temporary = Path.Combine(directory, name);
        try
        {
            using (var target = RootedOpen.Open(
                root, name, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoFollow, (UnixFileMode)0x180))
            {
                await CopyAsync(reader, file.Content, target, cancellationToken).ConfigureAwait(false);
                RandomAccess.SetLength(target, file.Size);
                FileOwnership.Set(target, file.Uid, file.Gid, file.Mode, file.ModifiedNanoseconds);
            }

            File.Move(temporary, file.Path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static async Task CopyAsync(SnapshotReader reader, string content, SafeFileHandle target, CancellationToken cancellationToken)
    {
        using var source = reader.OpenFile(content);
        var buffer = new byte[FileReader.MaxChunk];
        while (await source.NextRunAsync(buffer.Length, cancellationToken).ConfigureAwait(false) is { } run)
        {
            // Zeroes stay holes: the length is set at the end.
            if (!run.IsZero)
            {
                await source.DecodeAsync(run, buffer, cancellationToken).ConfigureAwait(false);
                RandomAccess.Write(target, buffer.AsSpan(0, run.RawLength), run.Offset);
            }
        }
    }
}
