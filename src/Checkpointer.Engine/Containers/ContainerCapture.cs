using Checkpointer.Engine.FileState.Trees;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Containers;

/// <summary>Captures the files of a container while its tree is frozen: what it changed of its image, its tmpfs, its emptyDirs.</summary>
internal sealed class ContainerCapture(SnapshotWriter writer, BlockPool pool, IReadOnlyList<string> excludes)
{
    private readonly FileTreeCapture _trees = new(writer, pool);
    private int _captured;

    /// <summary>Bytes read so far, for the watchdog.</summary>
    public long Bytes => _trees.Bytes;

    /// <param name="found">The container.</param>
    /// <param name="elsewhere">Mount points that were captured with another container of its pod.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="OperationFailedException">A file cannot be read, or changes meanwhile.</exception>
    public ContainerPart Capture(ContainerInspection found, IReadOnlySet<string> elsewhere, CancellationToken cancellationToken)
    {
        List<FileTreeRecord> trees = [];
        foreach (var part in found.Mounts.Captured.Where(p => !elsewhere.Contains(p.MountPoint)))
        {
            using var directory = RootedOpen.OpenRoot(part.Source);
            trees.Add(_trees.Capture(new FileTreeSource(directory, part.MountPoint, part.Kind, ++_captured, Below(part.MountPoint)), cancellationToken));
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
        };
    }

    /// <summary>The patterns as they are relative to a mount point; those of other places are left out.</summary>
    private List<string> Below(string mountPoint)
    {
        var prefix = mountPoint.TrimEnd('/') + "/";
        return [.. excludes.Where(e => e.StartsWith(prefix, StringComparison.Ordinal) || !e.StartsWith('/')).Select(e => e.StartsWith('/') ? e[prefix.Length..] : e)];
    }
}
