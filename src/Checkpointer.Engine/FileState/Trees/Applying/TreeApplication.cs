using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>Applies one tree: entry by entry, as the index gives them.</summary>
internal sealed partial class TreeApplication : IDisposable
{
    private readonly FileTreeRecord _record;
    private readonly TreeDirectories _directories;
    private readonly FileTreeIndexReader _index;
    private readonly ContentReader _content;
    private readonly Action<long> _written;
    private readonly TreeRemoval _removal;
    private readonly FileTreeAttributes _attributes = new(FileTreeKind.Directory);
    private readonly LinkPlaces _links = new();
    private readonly byte[] _linkPath = new byte[FileTreeLimits.MaxPath];

    /// <summary>The directories that the walk is in, with what is set when it leaves them.</summary>
    private readonly Stack<Frame> _frames = new();

    /// <summary>Directories of the index below something mounted in the target: all in it is passed over.</summary>
    private int _passedOver;

    public TreeApplication(
        FileTreeRecord record, TreeDirectories directories, FileTreeIndexReader index, ContentReader content, Action<long> written)
    {
        _record = record;
        _directories = directories;
        _index = index;
        _content = content;
        _written = written;
        _removal = new TreeRemoval(record.MountPoint, directories, index.Patterns);
    }

    /// <summary>What is there and not in the tree stays.</summary>
    public bool Merges { get; init; }

    private FileTreeEntry Entry => _index.Entry;

    private TreePath Path => _directories.Path;

    private ReadOnlySpan<byte> Name => Path.Name;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _index.ReadAsync(cancellationToken).ConfigureAwait(false);
            Begin();
            while (await _index.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                cancellationToken.ThrowIfCancellationRequested();
                await StepAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (PlatformException e)
        {
            throw TreeErrors.Apply(Path.Show(_record.MountPoint), e.Message, e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _directories.Dispose();

    private void Begin()
    {
        if (Entry.IsOpaque || (_record.Kind == FileTreeKind.Directory && !Merges))
        {
            _removal.Empty();
        }

        SetDirectory();
    }

    private async ValueTask StepAsync(CancellationToken cancellationToken)
    {
        if (Entry.Type == FileTreeEntryType.End)
        {
            End();
            return;
        }

        if (_passedOver > 0 || IsMounted())
        {
            await PassOverAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        // The reader has seen to it that it fits.
        Path.TryPush(Entry.Name.Span);
        if (Entry.Type == FileTreeEntryType.Directory)
        {
            EnterDirectory();
            return;
        }

        if (Entry.Type == FileTreeEntryType.Regular)
        {
            await WriteFileAsync(cancellationToken).ConfigureAwait(false);
        }
        else
        {
            Make();
        }

        if (Entry.IsLinked)
        {
            _links.Add(Path, exists: true);
        }

        Path.Pop();
    }

    private bool IsMounted() => Nodes.TryStatus(_directories.Current, Entry.Name.Span, out var status) && status.IsMountRoot;

    private async ValueTask PassOverAsync(CancellationToken cancellationToken)
    {
        if (Entry.Type == FileTreeEntryType.Directory)
        {
            _passedOver++;
        }

        if (Entry.IsLinked)
        {
            _links.Add(Path, exists: false);
        }

        await CopyAsync(null, 0, Entry.Type == FileTreeEntryType.Regular ? Entry.ContentLength : 0, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask CopyAsync(
        SafeFileHandle? file, long offset, long length, CancellationToken cancellationToken)
    {
        if (!await _content.CopyAsync(file, offset, length, cancellationToken).ConfigureAwait(false))
        {
            throw new RepositoryException(
                RepositoryCodes.Damaged, $"The file tree of {_record.MountPoint} is damaged: its contents end too early.", "Restore another snapshot.")
            {
                ObjectName = _record.Content,
            };
        }
    }

    /// <summary>A directory that has been entered: its time is set last, because what is made in it changes it.</summary>
    private readonly record struct Frame(long ModifiedSeconds, uint ModifiedNanoseconds, bool HasDefaultAcl);
}
