using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>Everything but directories. Each is made anew: what has the old one open, or runs it, keeps the old one.</summary>
internal sealed partial class TreeApplication
{
    /// <summary>Where nothing is mounted now: what a runtime would make to mount on.</summary>
    private const int MountedDirectoryMode = 0x1ed; // 0755

    private const int MountedFileMode = 0x1a4; // 0644

    private async ValueTask WriteFileAsync(CancellationToken cancellationToken)
    {
        Clear();
        using var file = Nodes.Open(_directories.Current, Name, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive);
        foreach (var (start, length) in Entry.Extents)
        {
            await CopyAsync(file, start, length, cancellationToken).ConfigureAwait(false);
            await CopyAsync(null, 0, -length & (FileTreeLimits.Page - 1), cancellationToken).ConfigureAwait(false);
            _written(length);
        }

        // Zeroes at the end were not written.
        if (Entry.Size > 0)
        {
            Contents.SetLength(file, Entry.Size);
        }

        Nodes.SetOwner(file, Entry.Uid, Entry.Gid);
        SetAttributes(file, default);

        // Behind owner and ACLs, which change it.
        Nodes.SetMode(file, Entry.Mode);
        Nodes.SetModified(file, Entry.ModifiedSeconds, Entry.ModifiedNanoseconds);
    }

    private void Make()
    {
        switch (Entry.Type)
        {
            case FileTreeEntryType.Whiteout:
                _removal.Remove();
                break;
            case FileTreeEntryType.HardLink:
                MakeLink();
                break;
            case FileTreeEntryType.MountedDirectory or FileTreeEntryType.MountedFile:
                MakePlaceToMount();
                break;
            default:
                MakeByName();
                break;
        }
    }

    private void MakeByName()
    {
        Clear();
        var directory = _directories.Current;
        if (Entry.Type == FileTreeEntryType.SymbolicLink)
        {
            Nodes.MakeSymbolicLink(directory, Name, Entry.Link.Span);
        }
        else
        {
            var type = Entry.Type switch
            {
                FileTreeEntryType.Fifo => FileType.Fifo,
                FileTreeEntryType.CharacterDevice => FileType.CharacterDevice,
                _ => FileType.BlockDevice,
            };
            Nodes.MakeNode(directory, Name, type, Entry.Device);
        }

        Nodes.SetOwner(directory, Name, Entry.Uid, Entry.Gid);
        SetAttributes(directory, Name);
        if (Entry.Type != FileTreeEntryType.SymbolicLink)
        {
            Nodes.SetMode(directory, Name, Entry.Mode);
        }

        Nodes.SetModified(directory, Name, Entry.ModifiedSeconds, Entry.ModifiedNanoseconds);
    }

    private void MakeLink()
    {
        Clear();
        if (!_links.TryFind(Entry.Group, _linkPath, out var directory, out var name))
        {
            throw TreeErrors.Apply(Path.Show(_record.MountPoint), "the file that it is another name of lies below something mounted here");
        }

        using var holder = Nodes.Open(_directories.Root, directory, OpenFlags.Path | OpenFlags.Directory);
        Nodes.MakeLink(holder, name, _directories.Current, Name);
    }

    private void MakePlaceToMount()
    {
        if (Nodes.TryStatus(_directories.Current, Name, out _))
        {
            return;
        }

        if (Entry.Type == FileTreeEntryType.MountedDirectory)
        {
            Nodes.MakeDirectory(_directories.Current, Name);
            Nodes.SetMode(_directories.Current, Name, MountedDirectoryMode);
            return;
        }

        using var file = Nodes.Open(_directories.Current, Name, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive);
        Nodes.SetMode(file, MountedFileMode);
    }

    private void SetAttributes(SafeFileHandle node, ReadOnlySpan<byte> name)
    {
        // What is new has none, but for the ACL that its directory passed on.
        if (_frames.Peek().HasDefaultAcl)
        {
            ReadAttributes(node, name);
            RemoveOthers(node, name);
        }

        foreach (var attribute in Entry.Attributes)
        {
            ExtendedAttributes.Set(node, name, attribute.Name.Span, attribute.Value.Span);
        }
    }

    /// <summary>Makes the name free.</summary>
    private void Clear()
    {
        if (!_removal.Remove())
        {
            throw TreeErrors.Apply(
                Path.Show(_record.MountPoint), "a directory is there, and in it something mounted or left out, where the tree has something else");
        }
    }
}
