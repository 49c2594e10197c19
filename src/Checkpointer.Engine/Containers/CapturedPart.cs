using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Containers;

/// <summary>A part of a container's file system that is captured.</summary>
/// <param name="MountPoint">Absolute path in the container.</param>
/// <param name="Kind">How it is read.</param>
/// <param name="Source">The directory to read, as a path of ours; for a mount the root in which it lies.</param>
/// <param name="Mount">The id of the mount; null for an upper directory, whose path the container cannot change.</param>
internal sealed record CapturedPart(string MountPoint, FileTreeKind Kind, string Source, int? Mount = null)
{
    /// <summary>
    /// Opens it. A container may have put links where a directory above the mount was: they are resolved within its root, and what is found must be the mount that
    /// was inspected. Otherwise it could name any directory of the node, and find its files in the snapshot.
    /// </summary>
    /// <exception cref="OperationFailedException">Code <c>mount-changed</c>: it is not there any more.</exception>
    /// <exception cref="PlatformException">It cannot be opened.</exception>
    public SafeFileHandle Open()
    {
        if (Mount is not { } mount)
        {
            return RootedOpen.OpenRoot(Source);
        }

        using var root = RootedOpen.OpenRoot(Source);
        var directory = RootedOpen.Open(root, MountPoint, OpenFlags.Path | OpenFlags.Directory);
        if (ProcFdInfo.OfOwn(directory).MountId == mount && Nodes.Status(directory).IsMountRoot)
        {
            return directory;
        }

        directory.Dispose();
        throw new OperationFailedException("mount-changed", $"{MountPoint} is not the mount any more that it was.", "Checkpoint once more.");
    }
}
