using Checkpointer.Platform;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>What a tree is made of.</summary>
/// <param name="Entries">Its entries.</param>
/// <param name="Bytes">Bytes that its regular files occupy, each node once.</param>
/// <param name="Findings">What speaks against capturing it.</param>
internal sealed record FileTreeMeasure(long Entries, long Bytes, IReadOnlyList<Finding> Findings);

/// <summary>Counts a tree that the workload may go on changing.</summary>
internal sealed class TreeMeasurement(FileTreeSource source) : TreeWalk(source, FileTreePatterns.Parse(source.Excludes))
{
    private readonly HashSet<(DeviceNumber Device, ulong Inode)> _linked = [];
    private long _entries;
    private long _bytes;

    /// <summary>Counts. The findings are those that end a capture: one is enough.</summary>
    public FileTreeMeasure Measure(CancellationToken cancellationToken)
    {
        try
        {
            Run(cancellationToken);
            return new FileTreeMeasure(_entries, _bytes, []);
        }
        catch (RefusedException e)
        {
            return new FileTreeMeasure(_entries, _bytes, e.Findings);
        }
    }

    protected override void Root(in NodeStatus status)
    {
        // Not an entry.
    }

    protected override void Enter(in NodeStatus status) => _entries++;

    protected override void Leave()
    {
        // Counted when it was entered.
    }

    protected override void Entry(in NodeStatus status, CancellationToken cancellationToken)
    {
        _entries++;
        if (status is { Type: FileType.Regular, IsMountRoot: false }
            && (status.Links == 1 || _linked.Add((status.Device, status.Inode))))
        {
            _bytes += Math.Min(status.Size, status.Allocated);
            if (Source.Kind == FileTreeKind.OverlayUpper)
            {
                Attributed();
            }
        }
    }

    private void Attributed()
    {
        try
        {
            ReadAttributes(Directories.Current, Path.Name);
        }
        catch (PlatformException e) when (e.Errno == Errno.ENOENT)
        {
            Vanished();
        }
    }

    protected override void Vanished()
    {
        // The workload is not frozen yet.
    }
}
