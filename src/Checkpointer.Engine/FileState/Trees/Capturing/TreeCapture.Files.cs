using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>Regular files.</summary>
internal sealed partial class TreeCapture
{
    /// <summary>
    /// Bytes: files up to here are read whole instead of asking for their holes first, which would cost more calls than the read. Pages of
    /// zeroes are not stored either way, and are holes when they are written back.
    /// </summary>
    private const int ReadWhole = 64 << 10;

    private readonly List<FileTreeExtent> _extents = [];

    private int Regular(in NodeStatus status, bool linked, CancellationToken cancellationToken)
    {
        SafeFileHandle file;
        try
        {
            file = Open();
        }
        catch (PlatformException e) when (e.Errno is Errno.ENOENT or Errno.ELOOP or Errno.ENXIO)
        {
            Vanished();
            return -1;
        }

        using (file)
        {
            ReadAttributes(file, default);
            if (IsOverlay && status.Size == 0 && Attributes.IsWhiteout)
            {
                _index.Bare(FileTreeEntryType.Whiteout, Path.Name);
                return -1;
            }

            Copy(file, status.Size, cancellationToken);
            var size = CheckUnchanged(status, Nodes.Status(file));
            return _index.Regular(Path.Name, status, Attributes, linked, size, _extents);
        }
    }

    /// <summary>A fifo that took the name meanwhile does not make us wait.</summary>
    private SafeFileHandle Open()
    {
        const OpenFlags Flags = OpenFlags.ReadOnly | OpenFlags.NonBlocking;
        try
        {
            return Nodes.Open(Directories.Current, Path.Name, Flags, keepAccessTime: true);
        }
        catch (PlatformException e) when (e.Errno == Errno.EPERM)
        {
            return Nodes.Open(Directories.Current, Path.Name, Flags);
        }
    }

    private void Copy(SafeFileHandle file, long size, CancellationToken cancellationToken)
    {
        _extents.Clear();
        if (size <= ReadWhole)
        {
            Take(file, 0, size, cancellationToken);
            return;
        }

        long at = 0;
        while (at < size && Contents.NextData(file, at, size, out var start, out var end) && start < size)
        {
            end = _extents.Count == FileTreeLimits.MaxExtents - 1 ? size : Math.Min(end, size);
            if (!Take(file, start, end - start, cancellationToken))
            {
                return;
            }

            at = end;
        }
    }

    private bool Take(SafeFileHandle file, long start, long length, CancellationToken cancellationToken)
    {
        var copied = _content.Copy(file, start, length, cancellationToken);
        if (copied > 0)
        {
            _extents.Add(new FileTreeExtent(start, copied));
        }

        return copied == length;
    }

    /// <summary>The size that is recorded: where the file is not what it was before it was read, one that its data fit in.</summary>
    private long CheckUnchanged(in NodeStatus before, in NodeStatus after)
    {
        var read = _extents.Count > 0 ? _extents[^1].Start + _extents[^1].Length : 0;
        if (after.Inode == before.Inode && after.Device == before.Device && after.Type == before.Type && after.Size == before.Size
            && after.ModifiedSeconds == before.ModifiedSeconds && after.ModifiedNanoseconds == before.ModifiedNanoseconds
            && after.ChangedSeconds == before.ChangedSeconds && after.ChangedNanoseconds == before.ChangedNanoseconds
            && read <= before.Size)
        {
            return before.Size;
        }

        const string What = "it changed while it was read";
        if (IsOverlay)
        {
            throw Outside(What);
        }

        Note(What);
        return Math.Max(read, after.Type == FileType.Regular ? after.Size : 0);
    }
}
