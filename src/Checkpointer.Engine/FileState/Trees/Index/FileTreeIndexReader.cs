using Checkpointer.Repository;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>
/// Reads an index from its beginning to its end, one entry at a time. Takes nothing on trust: order, depth, counts and lengths are
/// checked, so that what it gives is a tree, whoever wrote it.
/// </summary>
internal sealed partial class FileTreeIndexReader : IDisposable
{
    private readonly FileTreeRecord _record;
    private readonly IndexBytes _bytes;
    private readonly TreePath _path = new();
    private readonly byte[] _previous = new byte[FileTreeLimits.MaxName];
    private readonly long _contentLength;
    private int _previousLength;
    private int _groups;
    private long _entries;
    private long _content;
    private bool _begun;
    private bool _ended;

    private FileTreeIndexReader(FileTreeRecord record, SnapshotReader reader)
    {
        _record = record;
        using (var content = reader.OpenFile(record.Content))
        {
            _contentLength = content.File.Length;
        }

        _bytes = new IndexBytes(reader.OpenFile(record.Index));
    }

    /// <summary>What was left out, and stays as it is when the tree is applied.</summary>
    public FileTreePatterns Patterns { get; private set; } = FileTreePatterns.None;

    /// <summary>What <see cref="ReadAsync"/> read last.</summary>
    public FileTreeEntry Entry { get; } = new();

    /// <summary>Opens an index and reads its head.</summary>
    /// <exception cref="RepositoryException">There is none, it is damaged, or a newer version wrote it.</exception>
    public static async Task<FileTreeIndexReader> OpenAsync(FileTreeRecord record, SnapshotReader reader, CancellationToken cancellationToken)
    {
        FileTreeIndexReader index = new(record, reader);
        try
        {
            while (!index.TryReadHead())
            {
                await index.MoreAsync(cancellationToken).ConfigureAwait(false);
            }

            return index;
        }
        catch
        {
            index.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The next entry: first the root, then all others, with an <see cref="FileTreeEntryType.End"/> behind those of each directory. False
    /// when the root has ended and everything was as it must be.
    /// </summary>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellationToken)
    {
        if (_ended)
        {
            while (!TryReadTail())
            {
                await MoreAsync(cancellationToken).ConfigureAwait(false);
            }

            return await _bytes.MoreAsync(cancellationToken).ConfigureAwait(false) ? throw Damaged("bytes behind its end") : false;
        }

        while (!TryReadEntry())
        {
            await MoreAsync(cancellationToken).ConfigureAwait(false);
        }

        if (_begun)
        {
            Check();
        }

        _begun = true;
        return true;
    }

    /// <summary>What a damaged index is reported with.</summary>
    public RepositoryException Damaged(string what) => new(
        RepositoryCodes.Damaged, $"The file tree of {_record.MountPoint} is damaged: its index has {what}.", "Restore another snapshot.")
    {
        ObjectName = _record.Index,
    };

    /// <inheritdoc/>
    public void Dispose() => _bytes.Dispose();

    private async ValueTask MoreAsync(CancellationToken cancellationToken)
    {
        if (_bytes.IsFull || !await _bytes.MoreAsync(cancellationToken).ConfigureAwait(false))
        {
            throw Damaged(_bytes.IsFull ? "an entry without an end" : "an end in the middle");
        }
    }
}
