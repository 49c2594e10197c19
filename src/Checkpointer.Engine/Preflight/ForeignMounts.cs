using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>
/// Open files that none of the tree's mounts leads to: handed down from another mount namespace, or on a file system that was unmounted
/// since. CRIU finds no mount for them ("Can't lookup mount") and gives up in the middle; here they are named before anything is touched.
/// </summary>
internal static class ForeignMounts
{
    public static void Run(InspectionDraft draft)
    {
        HashSet<int> mounts = [.. draft.Mounts.Select(m => m.Id)];
        foreach ((InspectedProcess process, ProcFd file) in draft.AllFiles())
        {
            if (HasMount(file) && !mounts.Contains(file.Info.MountId))
            {
                draft.Blocker(
                    "file-on-foreign-mount",
                    $"{file.Path} ({InspectionDraft.Name(process, file)})",
                    "it was opened in another mount namespace, or its file system is unmounted",
                    "a file that a mount of the process leads to",
                    "start the program with this descriptor closed, or let it open the file anew");
            }
        }
    }

    // Pipes, sockets, memfds and the like live on mounts of the kernel that no mountinfo lists.
    private static bool HasMount(ProcFd file)
    {
        return file.Path is { } path
            && !file.IsUnlinkedName
            && !UnlinkedFiles.IsKernelObject(path)
            && file.Status.Type is (FileType.Regular or FileType.Directory or FileType.CharacterDevice or FileType.BlockDevice);
    }
}
