using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>Directories.</summary>
internal sealed partial class TreeApplication
{
    private void EnterDirectory()
    {
        if (Nodes.TryStatus(_directories.Current, Name, out var there) && there.Type != FileType.Directory)
        {
            Clear();
            there = default;
        }

        if (there.Type != FileType.Directory)
        {
            Nodes.MakeDirectory(_directories.Current, Name);
        }

        _directories.Enter();
        if (Entry.IsOpaque)
        {
            _removal.Empty();
        }

        SetDirectory();
    }

    /// <summary>
    /// Gives the directory that was entered last what the entry says, all but the time. What is right already is left alone: the
    /// directories above what is mounted in a container are in its upper directory, also when its root is read-only.
    /// </summary>
    private void SetDirectory()
    {
        var directory = _directories.Current;
        var status = Nodes.Status(directory);
        if (status.Uid != Entry.Uid || status.Gid != Entry.Gid)
        {
            Nodes.SetOwner(directory, Entry.Uid, Entry.Gid);
            status = Nodes.Status(directory);
        }

        ReadAttributes(directory, default);
        foreach (var (name, value) in Entry.Attributes)
        {
            if (_attributes.IndexOf(name.Span) is not (var i and >= 0) || !_attributes.Value(i).SequenceEqual(value.Span))
            {
                ExtendedAttributes.Set(directory, default, name.Span, value.Span);
                status = status with { Mode = -1 };
            }
        }

        if (RemoveOthers(directory, default))
        {
            status = status with { Mode = -1 };
        }

        // Behind the ACLs, which change it.
        if (status.Mode != Entry.Mode)
        {
            Nodes.SetMode(directory, Entry.Mode);
        }

        var hasDefaultAcl = Entry.Attributes.Exists(static a => a.Name.Span.SequenceEqual(AttributeRules.DefaultAcl));
        _frames.Push(new Frame(Entry.ModifiedSeconds, Entry.ModifiedNanoseconds, hasDefaultAcl));
    }

    private void ReadAttributes(SafeFileHandle node, ReadOnlySpan<byte> name)
    {
        if (!_attributes.TryRead(node, name))
        {
            throw TreeErrors.Apply(Path.Show(_record.MountPoint), "what is there has too many extended attributes");
        }
    }

    /// <summary>Removes the attributes that were read and that the entry does not have; true when there was one.</summary>
    private bool RemoveOthers(SafeFileHandle node, ReadOnlySpan<byte> nodeName)
    {
        var removed = false;
        for (var i = 0; i < _attributes.Count; i++)
        {
            var name = _attributes.Name(i);
            var wanted = false;
            foreach (var attribute in Entry.Attributes)
            {
                wanted |= attribute.Name.Span.SequenceEqual(name);
            }

            if (!wanted)
            {
                ExtendedAttributes.Remove(node, nodeName, name);
                removed = true;
            }
        }

        return removed;
    }

    private void End()
    {
        if (_passedOver > 0)
        {
            _passedOver--;
            return;
        }

        var frame = _frames.Pop();
        var status = Nodes.Status(_directories.Current);
        if (status.ModifiedSeconds != frame.ModifiedSeconds || status.ModifiedNanoseconds != frame.ModifiedNanoseconds)
        {
            SetTime(frame);
        }

        if (_directories.Depth == 0)
        {
            return;
        }

        _directories.Leave();
        _links.Left(_directories.Depth);
        Path.Pop();
    }

    private void SetTime(Frame frame)
    {
        try
        {
            Nodes.SetModified(_directories.Current, frame.ModifiedSeconds, frame.ModifiedNanoseconds);
        }
        catch (PlatformException e) when (e.Errno == Errno.EROFS)
        {
            // All that the tree has in it is there, or it would have failed before: the time is when the runtime made its mount points,
            // and on a read-only file system it is nobody's to keep.
        }
    }
}
