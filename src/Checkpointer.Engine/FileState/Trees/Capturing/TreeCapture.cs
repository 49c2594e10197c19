using Checkpointer.Platform;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>Captures one tree: writes an entry for each node, and the contents of regular files.</summary>
internal sealed partial class TreeCapture : TreeWalk
{
    /// <summary>The device number of a whiteout: no device has it.</summary>
    private static readonly DeviceNumber WhiteoutDevice = new(0, 0);

    private readonly FileTreeIndexWriter _index;
    private readonly ContentWriter _content;
    private readonly Action<Finding> _note;
    private readonly Dictionary<(DeviceNumber Device, ulong Inode), int> _groups = [];
    private readonly byte[] _link = new byte[FileTreeLimits.MaxLink + 1];

    /// <param name="source">The tree.</param>
    /// <param name="patterns">What is left out.</param>
    /// <param name="index">Takes the entries.</param>
    /// <param name="content">Takes the contents.</param>
    /// <param name="note">Told of what others changed in a shared directory.</param>
    public TreeCapture(
        FileTreeSource source, FileTreePatterns patterns, FileTreeIndexWriter index, ContentWriter content, Action<Finding> note)
        : base(source, patterns)
    {
        _index = index;
        _content = content;
        _note = note;
    }

    private bool IsOverlay => Source.Kind == FileTreeKind.OverlayUpper;

    protected override void Root(in NodeStatus status) => _index.Root(status, Attributes, Attributes.IsOpaque);

    protected override void Enter(in NodeStatus status) => _index.Directory(Path.Name, status, Attributes, Attributes.IsOpaque);

    protected override void Leave() => _index.End();

    protected override void Entry(in NodeStatus status, CancellationToken cancellationToken)
    {
        if (status.IsMountRoot)
        {
            _index.Bare(status.Type == FileType.Directory ? FileTreeEntryType.MountedDirectory : FileTreeEntryType.MountedFile, Path.Name);
            return;
        }

        var linked = status.Links > 1;
        if (linked && _groups.TryGetValue((status.Device, status.Inode), out var known))
        {
            _index.HardLink(Path.Name, known);
            return;
        }

        if (Write(status, linked, cancellationToken) is var group and >= 0)
        {
            _groups.Add((status.Device, status.Inode), group);
        }
    }

    protected override void Vanished()
    {
        const string What = "it vanished while the tree was read";
        if (IsOverlay)
        {
            throw Outside(What);
        }

        Note(What);
    }

    private int Write(in NodeStatus status, bool linked, CancellationToken cancellationToken)
    {
        switch (status.Type)
        {
            case FileType.Regular:
                return Regular(status, linked, cancellationToken);
            case FileType.Socket:
                return -1;
            case FileType.CharacterDevice when IsOverlay && status.RepresentedDevice == WhiteoutDevice:
                _index.Bare(FileTreeEntryType.Whiteout, Path.Name);
                return -1;
            case FileType.SymbolicLink or FileType.Fifo or FileType.CharacterDevice or FileType.BlockDevice:
                return ByName(status, linked);
            default:
                throw TreeErrors.Capture(Path.Show(Source.MountPoint), "it is of an unknown type");
        }
    }

    private int ByName(in NodeStatus status, bool linked)
    {
        try
        {
            ReadAttributes(Directories.Current, Path.Name);
            if (status.Type == FileType.SymbolicLink)
            {
                var length = Nodes.ReadLink(Directories.Current, Path.Name, _link);
                return _index.SymbolicLink(Path.Name, status, Attributes, linked, _link.AsSpan(0, length));
            }
        }
        catch (PlatformException e) when (e.Errno is Errno.ENOENT or Errno.EINVAL)
        {
            Vanished();
            return -1;
        }

        var type = status.Type switch
        {
            FileType.Fifo => FileTreeEntryType.Fifo,
            FileType.CharacterDevice => FileTreeEntryType.CharacterDevice,
            _ => FileTreeEntryType.BlockDevice,
        };
        return _index.Special(type, Path.Name, status, Attributes, linked);
    }

    private void Note(string what) => _note(new Finding(
        "file-tree-changed", FindingSeverity.Note, Path.Show(Source.MountPoint), what, "nobody who writes there",
        "Checkpoint all containers of the pod that share the directory together, if the file matters to them."));

    private OperationFailedException Outside(string what) =>
        TreeErrors.Capture(Path.Show(Source.MountPoint), what + ": somebody outside the workload writes there");
}
