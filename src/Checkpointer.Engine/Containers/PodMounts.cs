using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>Directories that several containers of a pod mount: the same directory of the same file system.</summary>
internal static class PodMounts
{
    /// <summary>Of those whose contents travel; a volume that stays is nobody's to compare.</summary>
    public static IReadOnlyList<SharedMount> Shared(PodSubject subject, IReadOnlyList<Inspection> members)
    {
        var places = members.SelectMany((member, i) => member.Container!.Mounts.Captured
            .Where(static c => c.MountPoint != "/")
            .Select(c => (Identity: IdentityOf(subject.Members[i].Root.Pid, c.MountPoint), Place: new SharedPlace(subject.Members[i].Record.Name, c.MountPoint))));
        return Group(places);
    }

    internal static IReadOnlyList<SharedMount> Group(IEnumerable<((DeviceNumber Device, string Root)? Identity, SharedPlace Place)> places) =>
    [
        .. places.Where(static p => p.Identity is not null)
            .GroupBy(static p => p.Identity)
            .Where(static g => g.Select(static p => p.Place.Container).Distinct(StringComparer.Ordinal).Count() > 1)
            .Select(static g => new SharedMount { Places = [.. g.Select(static p => p.Place)] }),
    ];

    /// <summary>What is mounted at a place of a process; null where nothing is.</summary>
    public static (DeviceNumber Device, string Root)? IdentityOf(int pid, string mountPoint) =>
        ProcMountInfo.ReadAll(pid).LastOrDefault(m => m.MountPoint == mountPoint) is { } mount ? (mount.Device, mount.FileSystemRoot) : null;
}
