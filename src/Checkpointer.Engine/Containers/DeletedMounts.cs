using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>
/// What is open of mounts whose source was deleted on the node. The mounts themselves are no obstacle, and neither is a deleted file in a mounted
/// directory: CRIU lays it beside where it was and deletes it again. But the mounted file or directory itself has no beside within its mount:
/// seen with CRIU 4.2.1, which dumps it and fails at restore ("Can't get path etc/app.conf.cr.1.ghost relative to /etc/app.conf" for
/// a file, "Couldn't unlink remap ...: Device or resource busy" for a directory).
/// </summary>
internal static class DeletedMounts
{
    private const string DeletedSuffix = " (deleted)";

    public static void Run(InspectionDraft draft, MountPlan mounts)
    {
        HashSet<string> deleted = [.. mounts.Deleted.Select(static m => m.MountPoint)];
        if (deleted.Count == 0)
        {
            return;
        }

        SortedSet<string> held = new(StringComparer.Ordinal);
        foreach (var (process, file) in draft.AllFiles().Where(f => f.File.IsUnlinkedName && deleted.Contains(f.File.Path!)))
        {
            held.Add($"{file.Path} ({InspectionDraft.Name(process, file)})");
        }

        foreach (var process in draft.Processes)
        {
            held.UnionWith(process.Mappings.Where(m => m.IsDeleted && deleted.Contains(m.Path)).Select(m => $"{m.Path} (mapped by {process.Info.Label})"));
            held.UnionWith(Directories(process).Where(deleted.Contains).Select(d => $"{d} (directory of {process.Info.Label})"));
        }

        if (held.Count > 0)
        {
            draft.Blocker(
                "file-on-deleted-mount", InspectionDraft.Enumerate(held), "it is mounted by itself, in use, and its source was deleted on the node, or replaced by another of the same name",
                "one that is there, or not in use: it cannot be restored", "let the program open it anew after the container was restarted, or mount the directory that it is in");
        }
    }

    private static IEnumerable<string> Directories(InspectedProcess process) =>
        from name in (string[])["cwd", "root"]
        let link = ProcLink.Read($"/proc/{process.Info.Pid}/{name}")
        where link is not null && link.EndsWith(DeletedSuffix, StringComparison.Ordinal)
        select link[..^DeletedSuffix.Length];
}
