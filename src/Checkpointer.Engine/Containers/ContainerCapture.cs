using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Containers;

/// <summary>
/// Captures the files of containers: what they changed of their images, their tmpfs, their emptyDirs. All of it is read while the trees are frozen; where there is
/// much, it is stored before, and read then only to see what differs.
/// </summary>
internal sealed class ContainerCapture(SnapshotWriter writer, BlockPool pool, IReadOnlyList<string> excludes)
{
    private readonly FileTreeCapture _trees = new(writer, pool);
    private int _captured;

    /// <summary>Bytes read so far, for the watchdog.</summary>
    public long Bytes => _trees.Bytes;

    /// <summary>Bytes read before the freeze so far.</summary>
    public long EarlyBytes => _trees.EarlyBytes;

    /// <summary>Files that somebody else wrote to while they were captured; at most some hundred.</summary>
    public IReadOnlyList<Finding> Notes => _trees.Notes;

    /// <summary>Tells the bytes of each part of the files of a container that runs.</summary>
    public static void Measure(
        ContainerInspection found, IReadOnlySet<string> elsewhere, IReadOnlyList<string> excludes, Action<long> bytes, CancellationToken cancellationToken)
    {
        foreach (var part in Parts(found, elsewhere))
        {
            using var directory = part.Open();
            bytes(FileTreeCapture.Measure(new FileTreeSource(directory, part.MountPoint, part.Kind, 0, Below(excludes, part.MountPoint)), cancellationToken).Bytes);
        }
    }

    /// <summary>Stores what a container that runs on has in its files.</summary>
    /// <exception cref="CheckpointerException">Something cannot be read, or not be stored.</exception>
    public void ReadEarly(ContainerInspection found, IReadOnlySet<string> elsewhere, CancellationToken cancellationToken)
    {
        foreach (var part in Parts(found, elsewhere))
        {
            using var directory = part.Open();
            _trees.ReadEarly(new FileTreeSource(directory, part.MountPoint, part.Kind, 0, Below(excludes, part.MountPoint)), cancellationToken);
        }
    }

    /// <param name="found">The container.</param>
    /// <param name="elsewhere">Mount points that were captured with another container of its pod.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="OperationFailedException">A file cannot be read, or changes meanwhile.</exception>
    public ContainerPart Capture(ContainerInspection found, IReadOnlySet<string> elsewhere, CancellationToken cancellationToken)
    {
        List<FileTreeRecord> trees = [];
        foreach (var part in Parts(found, elsewhere))
        {
            using var directory = part.Open();
            trees.Add(_trees.Capture(new FileTreeSource(directory, part.MountPoint, part.Kind, ++_captured, Below(excludes, part.MountPoint)), cancellationToken));
        }

        return new ContainerPart
        {
            // Pids of this node mean nothing elsewhere.
            Record = found.Subject.Record with { Pid = 0, LogPath = null },
            Mounts = [.. found.Mounts.External],
            FileTrees = trees,
            Uncovered = [.. found.Mounts.Uncovered],
            OwnIpc = found.OwnIpc,
            SecurityLabel = found.SecurityLabel,
            Terminal = found.Terminal,
            RootUser = found.RootUser,
            NodeNetwork = found.NodeNetwork,
        };
    }

    private static IEnumerable<CapturedPart> Parts(ContainerInspection found, IReadOnlySet<string> elsewhere) =>
        found.Mounts.Captured.Where(p => !elsewhere.Contains(p.MountPoint));

    /// <summary>The patterns as they are relative to a mount point; those of other places are left out.</summary>
    private static List<string> Below(IReadOnlyList<string> excludes, string mountPoint)
    {
        var prefix = mountPoint.TrimEnd('/') + "/";
        return [.. excludes.Where(e => e.StartsWith(prefix, StringComparison.Ordinal) || !e.StartsWith('/')).Select(e => e.StartsWith('/') ? e[prefix.Length..] : e)];
    }
}
