using System.Globalization;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState;

/// <summary>
/// What a restore's files replaced lies beside them under hidden names until the restored tree runs. Everything is told apart by what it is, not by its name:
/// each step can be repeated, after any interruption, and nothing is removed that is not certainly ours.
/// </summary>
/// <param name="operation">The restore; a part of the hidden names.</param>
/// <param name="files">From its journal.</param>
/// <param name="sameBoot">The restore began since the machine was started.</param>
internal sealed class AsideFiles(string operation, JournalStateFiles files, bool sameBoot)
{
    /// <summary>How hidden names begin.</summary>
    public const string Prefix = ".checkpointer-";

    /// <summary>Where two names cannot change places, what was there gets this one first.</summary>
    private const string OldSuffix = ".old";

    /// <summary>Some of it could not be done now, but may be later: a read-only file system, for example.</summary>
    public bool MustBeRepeated { get; private set; }

    /// <summary>The hidden name of a file's new content, and then of what it replaced.</summary>
    public static string NameOf(string operation, int number) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{operation}-{number}");

    /// <summary>The hidden name of what was replaced where the two could not change places.</summary>
    public static string OldNameOf(string operation, int number) => NameOf(operation, number) + OldSuffix;

    /// <summary>The restored tree runs: what was replaced is not needed any more.</summary>
    /// <returns>One line for each file that is still there all the same.</returns>
    public List<string> Forget() => Each((file, place) =>
    {
        foreach (var (path, status) in place.Hidden().Where(h => file.Old?.Is(h.Status, sameBoot) == true))
        {
            FileNames.Remove(path);
        }

        return null;
    });

    /// <summary>What lies aside, for a person to decide on.</summary>
    public List<string> Name() => Each((file, place) =>
        place.Hidden().FirstOrDefault(h => file.Old?.Is(h.Status, sameBoot) == true) is { Path: { } kept } ? Kept(file, place, kept) : null);

    /// <summary>The restore came to nothing: everything is as it was before it.</summary>
    /// <returns>One line for each file of which that is not so.</returns>
    public List<string> PutBack()
    {
        var problems = Each(PutBack);
        foreach (var directory in Enumerable.Reverse(files.Directories))
        {
            try
            {
                if (Directory.Exists(directory) && !Directory.EnumerateFileSystemEntries(directory).Any())
                {
                    Directory.Delete(directory);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It is empty, and somebody may have come to use it.
                problems.Add($"the directory {directory} could not be removed: {e.Message}");
            }
        }

        return problems;
    }

    private string? PutBack(JournalStateFile file, Place place)
    {
        string? kept = null;
        string? foreign = null;
        foreach (var (path, status) in place.Hidden())
        {
            if (file.Old?.Is(status, sameBoot) == true)
            {
                kept = path;
            }
            else if (file.New is null || file.New.Is(status, sameBoot))
            {
                FileNames.Remove(path);
            }
            else
            {
                foreign = path;
            }
        }

        var there = FileStatus.Of(place.Target, followLinks: false);
        var isNew = file.New?.Is(there, sameBoot) == true;
        if (kept is null)
        {
            if (isNew && file.Old is not null)
            {
                return $"{file.Path} is as in the snapshot, and what it was before is not found beside it";
            }

            if (isNew)
            {
                FileNames.Remove(place.Target);
            }

            return foreign is null ? null : $"something that was changed while {file.Path} was restored lies in {place.Describe(foreign)}";
        }

        if (isNew)
        {
            FileNames.Replace(kept, place.Target);
            return null;
        }

        return there is null && FileNames.TryMove(kept, place.Target) ? null : Kept(file, place, kept);
    }

    private static string Kept(JournalStateFile file, Place place, string kept) =>
        $"{file.Path} is another file by now; what it was before the restore lies in {place.Describe(kept)}";

    private List<string> Each(Func<JournalStateFile, Place, string?> step)
    {
        List<string> problems = [];
        for (var i = files.Files.Count - 1; i >= 0; i--)
        {
            var file = files.Files[i];
            try
            {
                if (FileWriteBack.IsClean(file.Path) && Place.Open(operation, i, file.Path) is { } place)
                {
                    using (place)
                    {
                        if (step(file, place) is { } problem)
                        {
                            problems.Add(problem);
                        }
                    }
                }
            }
            catch (Exception e) when (e is CheckpointerException or IOException or UnauthorizedAccessException)
            {
                // Told, and the others are put back all the same.
                MustBeRepeated = true;
                problems.Add($"{file.Path}: {e.Message} (what it was before may lie in {Path.Combine(Path.GetDirectoryName(file.Path)!, NameOf(operation, i))})");
            }
        }

        return problems;
    }

    /// <summary>The directory of a file, held open, and the names in it.</summary>
    private sealed class Place(SafeFileHandle directory, string path, string aside, string old) : IDisposable
    {
        public string Target { get; } = Path.Combine(FileWriteBack.NameOf(directory), Path.GetFileName(path));

        /// <summary>Null: the directory is gone, and what was in it.</summary>
        public static Place? Open(string operation, int number, string path)
        {
            var directory = Path.GetDirectoryName(path)!;
            return Directory.Exists(directory) && !operation.Contains('/', StringComparison.Ordinal)
                ? new Place(FileWriteBack.OpenDirect(directory), path, NameOf(operation, number), OldNameOf(operation, number))
                : null;
        }

        /// <summary>What there is of hidden names.</summary>
        public List<(string Path, FileStatus Status)> Hidden()
        {
            List<(string, FileStatus)> found = [];
            foreach (var name in new[] { aside, old })
            {
                var hidden = Path.Combine(FileWriteBack.NameOf(directory), name);
                if (FileStatus.Of(hidden, followLinks: false) is { } status)
                {
                    found.Add((hidden, status));
                }
            }

            return found;
        }

        public string Describe(string hidden) => Path.Combine(Path.GetDirectoryName(path)!, Path.GetFileName(hidden));

        public void Dispose() => directory.Dispose();
    }
}
