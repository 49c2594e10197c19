using System.Globalization;
using Checkpointer.Engine.Journal;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState;

/// <summary>
/// Writes captured files back before a restore. Paths come from a manifest: each is checked, resolved without following links, and a
/// file on tmpfs goes to a tmpfs or nowhere. What was there before is kept until the restored tree runs (<see cref="AsideFiles"/>).
/// </summary>
internal sealed partial class FileWriteBack
{
    private readonly IReadOnlyList<StateFile> _files;
    private readonly Dictionary<string, StateDirectory> _directories;
    private long _bytesWritten;

    public FileWriteBack(IReadOnlyList<StateFile> files, IReadOnlyList<StateDirectory> directories)
    {
        _files = files;
        _directories = directories.Where(static d => IsClean(d.Path)).DistinctBy(static d => d.Path).ToDictionary(static d => d.Path, StringComparer.Ordinal);
    }

    /// <summary>Bytes written so far, for the watchdog.</summary>
    public long BytesWritten => Volatile.Read(ref _bytesWritten);

    /// <summary>For tests: called when everything is written and recorded, and the first name is about to change.</summary>
    internal Action? BeforePlacing { get; init; }

    /// <summary>
    /// Puts every file in place that is not there already as it was captured. First all contents are written, under hidden names in the directories of the files;
    /// then each takes its name, and what it replaces the hidden one, in one step. Whatever happens, <see cref="AsideFiles"/> can undo it by what the journal says.
    /// </summary>
    /// <param name="reader">The snapshot.</param>
    /// <param name="journal">Of the restore.</param>
    /// <param name="cancellationToken">Ends it between two stretches.</param>
    /// <exception cref="OperationFailedException">Codes <c>state-file-link</c>, <c>state-file-changed</c>: a place changed since it was looked at.</exception>
    /// <exception cref="HostException">Code <c>state-file-write</c>: a file cannot be written, no space for example.</exception>
    public async Task WriteAsync(SnapshotReader reader, OpenJournalEntry journal, CancellationToken cancellationToken)
    {
        List<StateFile> files = [.. _files.Where(static f => !IsSame(f))];
        if (files.Count == 0)
        {
            return;
        }

        JournalStateFiles plan = new() { Directories = Missing(files), Files = files.ConvertAll(static f => new JournalStateFile { Path = f.Path }) };
        journal.Update(entry => entry with { Version = JournalEntry.CurrentVersion, StateFiles = plan });
        plan.Directories.ForEach(MakeDirectory);
        List<JournalStateFile> written = [];
        for (var i = 0; i < files.Count; i++)
        {
            written.Add(await WriteAsync(reader, files[i], AsideFiles.NameOf(journal.Entry.Operation, i), cancellationToken).ConfigureAwait(false));
        }

        journal.Update(entry => entry with { StateFiles = plan with { Files = written } });
        BeforePlacing?.Invoke();
        for (var i = 0; i < files.Count; i++)
        {
            Place(written[i], AsideFiles.NameOf(journal.Entry.Operation, i), AsideFiles.OldNameOf(journal.Entry.Operation, i));
        }
    }

    /// <summary>Directories that are to be made, topmost first.</summary>
    private static List<string> Missing(IEnumerable<StateFile> files)
    {
        SortedSet<string> missing = new(StringComparer.Ordinal);
        foreach (var file in files)
        {
            for (var directory = Path.GetDirectoryName(file.Path); directory is not null && !Directory.Exists(directory) && missing.Add(directory);)
            {
                directory = Path.GetDirectoryName(directory);
            }
        }

        return [.. missing];
    }

    private void MakeDirectory(string path)
    {
        Directory.CreateDirectory(path, StateDirectories.Private);
        var recorded = _directories[path];
        using var handle = OpenDirect(path);
        FileOwnership.SetOwner(handle, recorded.Uid, recorded.Gid);
        File.SetUnixFileMode(NameOf(handle), (UnixFileMode)(recorded.Mode & 0x3ff));
    }

    /// <summary>
    /// The directory of exactly this name. With a link anywhere in it somebody who may write there would choose where root writes;
    /// what is done with the handle stays where it was looked at.
    /// </summary>
    internal static SafeFileHandle OpenDirect(string path)
    {
        var handle = RootedOpen.OpenRoot(path);
        if (new FileInfo(NameOf(handle)).LinkTarget is var real && real != path)
        {
            handle.Dispose();
            throw new OperationFailedException("state-file-link", $"{path} leads to {real}.", "Replace the link by the directory itself.");
        }

        return handle;
    }

    internal static string NameOf(SafeFileHandle handle) =>
        string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{handle.DangerousGetHandle()}");

    /// <summary>Writes a file under its hidden name, and looks at what it will replace.</summary>
    private async Task<JournalStateFile> WriteAsync(SnapshotReader reader, StateFile file, string hidden, CancellationToken cancellationToken)
    {
        try
        {
            using var root = OpenDirect(Path.GetDirectoryName(file.Path)!);
            using var target = RootedOpen.Open(
                root, hidden, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoFollow, (UnixFileMode)0x180);
            await CopyAsync(reader, file.Content, target, cancellationToken).ConfigureAwait(false);
            RandomAccess.SetLength(target, file.Size);
            FileOwnership.Set(target, file.Uid, file.Gid, file.Mode, file.ModifiedNanoseconds);
            return new JournalStateFile
            {
                Path = file.Path,
                New = JournalFileIdentity.Of(FileStatus.Of(target)),
                Old = Existing(root, file.Path),
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PlatformException)
        {
            throw new HostException(
                "state-file-write", $"{file.Path} could not be written: {e.Message.TrimEnd('.')}.", "Free space there, or make its directory writable; what was there is as it was.", e);
        }
    }

    private static JournalFileIdentity? Existing(SafeFileHandle root, string path)
    {
        var place = Path.Combine(NameOf(root), Path.GetFileName(path));
        if (FileStatus.Of(place, followLinks: false) is not { } there)
        {
            return null;
        }

        if (there.Type != FileType.Regular)
        {
            throw Changed(path);
        }

        if (FileSystems.IsOverlay(NameOf(root)))
        {
            // The first change of a file of a lower layer makes another file of it: let that be over before it is recorded.
            using var file = RootedOpen.Open(root, Path.GetFileName(path), OpenFlags.Path | OpenFlags.NoFollow);
            File.SetUnixFileMode(NameOf(file), (UnixFileMode)there.Mode);
            there = FileStatus.Of(place, followLinks: false) ?? throw Changed(path);
        }

        return JournalFileIdentity.Of(there);
    }

    /// <summary>A written file takes its name. What has that name by now is never removed, whatever it is: it gets the hidden one, or keeps its own.</summary>
    private static void Place(JournalStateFile file, string hidden, string hiddenOld)
    {
        using var root = OpenDirect(Path.GetDirectoryName(file.Path)!);
        string At(string name) => Path.Combine(NameOf(root), name);
        bool IsOld(string name) => file.Old!.Is(FileStatus.Of(At(name), followLinks: false), sameBoot: true);
        var (aside, target, old) = (At(hidden), At(Path.GetFileName(file.Path)), At(hiddenOld));
        try
        {
            if (file.Old is null)
            {
                if (!FileNames.TryMove(aside, target))
                {
                    throw Changed(file.Path);
                }
            }
            else if (FileNames.TryExchange(aside, target))
            {
                if (!IsOld(hidden))
                {
                    FileNames.TryExchange(aside, target);
                    throw Changed(file.Path);
                }
            }
            else
            {
                if (!FileNames.TryMove(target, old))
                {
                    throw Changed(file.Path);
                }

                if (!IsOld(hiddenOld))
                {
                    FileNames.TryMove(old, target);
                    throw Changed(file.Path);
                }

                if (!FileNames.TryMove(aside, target))
                {
                    throw Changed(file.Path);
                }
            }
        }
        catch (PlatformException e)
        {
            throw Changed(file.Path, e);
        }
    }

    private static OperationFailedException Changed(string path, Exception? inner = null) => new(
        "state-file-changed", $"{path} was changed while the restore was about to put the snapshot's in its place{(inner is null ? "" : $" ({inner.Message})")}.",
        "End the program that changes it, then restore again.", inner);

    private async Task CopyAsync(SnapshotReader reader, string content, SafeFileHandle target, CancellationToken cancellationToken)
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

            Volatile.Write(ref _bytesWritten, _bytesWritten + run.RawLength);
        }
    }
}
