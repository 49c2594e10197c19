using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>
/// Writes captured trees into targets, through the merged view where they are overlays. The index is taken for hostile: whatever it says,
/// nothing outside the target is touched, through no symbolic link and no mount point. What is mounted in the target stays as it is, and
/// so does what a pattern of the tree left out. Applying a tree again gives the same; so after a failure on the way it can be tried again.
/// </summary>
internal sealed class FileTreeApply(SnapshotReader reader)
{
    private long _bytesWritten;

    /// <summary>Bytes of contents written so far, for the watchdog.</summary>
    public long BytesWritten => Volatile.Read(ref _bytesWritten);

    /// <summary>Applies a tree.</summary>
    /// <param name="record">From the manifest.</param>
    /// <param name="target">The directory that the tree was captured from, in the new place: open in any way; stays the caller's.</param>
    /// <param name="merge">Others use the directory, too: what the tree does not have stays, and what it has replaces what has the same name.</param>
    /// <param name="cancellationToken">Ends it between two entries or pieces of a file; the target is then half done.</param>
    /// <exception cref="RepositoryException">The index or the contents are damaged or missing.</exception>
    /// <exception cref="OperationFailedException">The kernel refuses something; it names the path.</exception>
    public async Task ApplyAsync(FileTreeRecord record, SafeFileHandle target, bool merge, CancellationToken cancellationToken)
    {
        using var index = await FileTreeIndexReader.OpenAsync(record, reader, cancellationToken).ConfigureAwait(false);
        ContentReader content = new(reader.OpenFile(record.Content));
        await using var contentEnd = content.ConfigureAwait(false);
        using TreeApplication application = new(record, Open(record, target), index, content, Written) { Merges = merge };

        // File by file there is little to wait for: not on the caller's thread.
        await Task.Run(() => application.RunAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    private static TreeDirectories Open(FileTreeRecord record, SafeFileHandle target)
    {
        try
        {
            return new TreeDirectories(target);
        }
        catch (PlatformException e)
        {
            throw TreeErrors.Apply(record.MountPoint, e.Message, e);
        }
    }

    private void Written(long bytes) => Volatile.Write(ref _bytesWritten, _bytesWritten + bytes);
}
