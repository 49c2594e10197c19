using System.Globalization;
using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Containers;

/// <summary>Kernel objects that containers could share without a name.</summary>
internal static class PodFiles
{
    /// <summary>Regular files without a name that a process has open or maps shared, by device and inode.</summary>
    public static IEnumerable<(ulong Device, ulong Inode)> Unlinked(int pid)
    {
        foreach (var file in ProcFd.ReadAll(pid).Where(static f => f.Status.Type == FileType.Regular && f.IsUnlinkedName))
        {
            yield return (file.Status.Device.Value, file.Status.Inode);
        }

        foreach (var mapping in ProcMaps.Read(pid).Where(static m => m.IsShared && m.IsDeleted))
        {
            var link = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/map_files/{mapping.Start:x}-{mapping.End:x}");
            if (!mapping.Path.StartsWith("/SYSV", StringComparison.Ordinal) && FileStatus.Of(link) is { } status)
            {
                yield return (status.Device.Value, status.Inode);
            }
        }
    }

    /// <summary>Inodes of a tree's unix sockets, and of the sockets that they are connected to.</summary>
    public static UnixEnds UnixSockets(Inspection member)
    {
        HashSet<ulong> own = [.. member.Tree.Processes.SelectMany(static p => ProcFd.ReadAll(p.Pid)).Select(static f => f.InodeOf("socket")).OfType<ulong>()];
        var peers = own.Count == 0 ? new Dictionary<ulong, ulong>() : UnixSocketProbe.ReadPeers(member.Tree.Root.Pid);
        return new UnixEnds(own, [.. own.Select(s => peers.GetValueOrDefault(s)).Where(static p => p != 0)]);
    }
}

/// <summary>The sockets of a tree.</summary>
/// <param name="Own">All of them.</param>
/// <param name="Peers">What the connected unix ones are connected to.</param>
internal sealed record UnixEnds(HashSet<ulong> Own, HashSet<ulong> Peers);
