using System.Globalization;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState;

/// <summary>
/// Writes captured files back before a restore. Paths come from a manifest: each is checked, resolved without following links, and a
/// file on tmpfs goes to a tmpfs or nowhere.
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

    /// <summary>Writes every file that is not there already as it was captured.</summary>
    /// <param name="reader">The snapshot.</param>
    /// <param name="made">Gets each path as soon as it was made, so that a failure on the way can be undone.</param>
    /// <param name="cancellationToken">Ends it between two stretches.</param>
    public async Task WriteAsync(SnapshotReader reader, List<string> made, CancellationToken cancellationToken)
    {
        foreach (var file in _files.Where(static f => !IsSame(f)))
        {
            MakeDirectories(Path.GetDirectoryName(file.Path)!, made);
            var existed = File.Exists(file.Path);
            await WriteAsync(reader, file, cancellationToken).ConfigureAwait(false);
            if (!existed)
            {
                made.Add(file.Path);
            }
        }
    }

    private void MakeDirectories(string path, List<string> made)
    {
        if (Directory.Exists(path))
        {
            return;
        }

        MakeDirectories(Path.GetDirectoryName(path)!, made);
        Directory.CreateDirectory(path, StateDirectories.Private);
        made.Add(path);
        var recorded = _directories[path];
        using var handle = OpenDirect(path);
        FileOwnership.SetOwner(handle, recorded.Uid, recorded.Gid);
        File.SetUnixFileMode(NameOf(handle), (UnixFileMode)(recorded.Mode & 0x3ff));
    }

    /// <summary>
    /// The directory of exactly this name. With a link anywhere in it somebody who may write there would choose where root writes;
    /// what is done with the handle stays where it was looked at.
    /// </summary>
    private static SafeFileHandle OpenDirect(string path)
    {
        var handle = RootedOpen.OpenRoot(path);
        if (new FileInfo(NameOf(handle)).LinkTarget is var real && real != path)
        {
            handle.Dispose();
            throw new OperationFailedException("state-file-link", $"{path} leads to {real}.", "Replace the link by the directory itself.");
        }

        return handle;
    }

    private static string NameOf(SafeFileHandle handle) =>
        string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{handle.DangerousGetHandle()}");

    private async Task WriteAsync(SnapshotReader reader, StateFile file, CancellationToken cancellationToken)
    {
        var directory = Path.GetDirectoryName(file.Path)!;
        var name = string.Create(CultureInfo.InvariantCulture, $".{Path.GetFileName(file.Path)}.checkpointer-{Environment.ProcessId}");
        using var root = OpenDirect(directory);
        var temporary = Path.Combine(NameOf(root), name);
        try
        {
            using (var target = RootedOpen.Open(
                root, name, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoFollow, (UnixFileMode)0x180))
            {
                await CopyAsync(reader, file.Content, target, cancellationToken).ConfigureAwait(false);
                RandomAccess.SetLength(target, file.Size);
                FileOwnership.Set(target, file.Uid, file.Gid, file.Mode, file.ModifiedNanoseconds);
            }

            File.Move(temporary, Path.Combine(NameOf(root), Path.GetFileName(file.Path)), overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

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
