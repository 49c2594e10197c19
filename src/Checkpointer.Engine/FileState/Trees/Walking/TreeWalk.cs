using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>
/// Walks a tree once, in the order of the names' bytes, without following links or entering mounts. What is to be done with the entries
/// is the heirs' affair. Failures name the entry.
/// </summary>
internal abstract class TreeWalk : IDisposable
{
    private readonly DirectoryReader _reader = new();
    private readonly List<NameList> _names = [];
    private readonly FileTreePatterns _patterns;
    private int _entries;

    protected TreeWalk(FileTreeSource source, FileTreePatterns patterns)
    {
        Source = source;
        _patterns = patterns;
        Attributes = new FileTreeAttributes(source.Kind);
        Directories = Open(source);
    }

    protected FileTreeSource Source { get; }

    protected TreeDirectories Directories { get; }

    protected FileTreeAttributes Attributes { get; }

    protected TreePath Path => Directories.Path;

    /// <summary>Walks.</summary>
    public void Run(CancellationToken cancellationToken)
    {
        try
        {
            Walk(cancellationToken);
        }
        catch (PlatformException e)
        {
            throw TreeErrors.Capture(Path.Show(Source.MountPoint), e.Message, e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Directories.Dispose();

    /// <summary>The root; <see cref="Attributes"/> are its.</summary>
    protected abstract void Root(in NodeStatus status);

    /// <summary>A directory that is being entered; <see cref="Attributes"/> are its.</summary>
    protected abstract void Enter(in NodeStatus status);

    /// <summary>The directory that was entered last has no more entries. Also the root's end.</summary>
    protected abstract void Leave();

    /// <summary>Anything but a directory that is entered; <see cref="Attributes"/> have not been read.</summary>
    protected abstract void Entry(in NodeStatus status, CancellationToken cancellationToken);

    /// <summary>The entry that the path names vanished since its name was read, or became something else.</summary>
    protected abstract void Vanished();

    /// <summary>Reads the attributes of a directory (<paramref name="name"/> empty) or of an entry in the current one.</summary>
    protected void ReadAttributes(SafeFileHandle node, ReadOnlySpan<byte> name)
    {
        if (!Attributes.TryRead(node, name))
        {
            throw TreeErrors.Capture(Path.Show(Source.MountPoint), "it has too many extended attributes");
        }

        if (Attributes.Elsewhere is { } attribute)
        {
            throw TreeErrors.Elsewhere(Path.Show(Source.MountPoint), attribute);
        }
    }

    private static TreeDirectories Open(FileTreeSource source)
    {
        try
        {
            return new TreeDirectories(source.Root);
        }
        catch (PlatformException e)
        {
            throw TreeErrors.Capture(source.MountPoint, e.Message, e);
        }
    }

    private void Walk(CancellationToken cancellationToken)
    {
        ReadAttributes(Directories.Current, default);
        Root(Nodes.Status(Directories.Current));
        ReadNames();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_names[Directories.Depth].Next(out var name))
            {
                Look(name, cancellationToken);
                continue;
            }

            Leave();
            if (Directories.Depth == 0)
            {
                return;
            }

            Directories.Leave();
            Path.Pop();
        }
    }

    private void Look(ReadOnlySpan<byte> name, CancellationToken cancellationToken)
    {
        if (!Path.TryPush(name) || Path.Depth > FileTreeLimits.MaxDepth)
        {
            throw TreeErrors.Capture(Path.Show(Source.MountPoint), "its path is too long");
        }

        if (_patterns.IsEmpty || !_patterns.Matches(Path.Bytes))
        {
            if (++_entries > FileTreeLimits.MaxEntries)
            {
                throw TreeErrors.Capture(Path.Show(Source.MountPoint), $"the tree has more than {FileTreeLimits.MaxEntries} entries");
            }

            if (!Nodes.TryStatus(Directories.Current, name, out var status))
            {
                Vanished();
            }
            else if (status is not { Type: FileType.Directory, IsMountRoot: false })
            {
                Entry(status, cancellationToken);
            }
            else if (TryEnter())
            {
                return;
            }
        }

        Path.Pop();
    }

    private bool TryEnter()
    {
        try
        {
            Directories.Enter();
        }
        catch (PlatformException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
        {
            Vanished();
            return false;
        }

        ReadAttributes(Directories.Current, default);
        Enter(Nodes.Status(Directories.Current));
        ReadNames();
        return true;
    }

    private void ReadNames()
    {
        if (Directories.Depth == _names.Count)
        {
            _names.Add(new NameList());
        }

        if (!_names[Directories.Depth].TryRead(Directories.Current, _reader, FileTreeLimits.MaxEntries))
        {
            throw TreeErrors.Capture(Path.Show(Source.MountPoint), "it has too many entries");
        }
    }
}
