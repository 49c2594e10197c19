using Checkpointer.Engine.Containers;
using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Recovery;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>What happens while every CRIU waits in its post-dump hook: all trees are frozen, the images are whole, nothing is decided yet.</summary>
internal sealed partial class DumpSession
{
    /// <summary>
    /// Waits for the hooks, completes the snapshot, and only then lets the CRIUs go on. Leave-running: the bytes are with us, which is
    /// enough, since the workload lives. Otherwise: the manifest is committed. Any failure refuses, and every CRIU resumes its tree.
    /// </summary>
    private async Task<ManifestContent> SealAsync(FileCapture files, ContainerCapture parts, CancellationToken cancellationToken)
    {
        // A store that hangs must not hold the trees: the hooks are answered at once, whatever the commit still does.
        using var refuse = cancellationToken.Register(() => _dumps.ForEach(static d => d.Refuse()));
        try
        {
            await Task.WhenAll(_dumps.Select(d => d.AtHookAsync(cancellationToken))).ConfigureAwait(false);
            if (Devices.IsUsed)
            {
                _dumps.ForEach(d => Devices.CheckImage(d.Tree.Number, d.Capture.Statistics));
            }

            var captured = await DedicatedThread.Run("file capture", () => files.Capture(Trees[0].Root.Pid, StatePaths(), cancellationToken))
                .ConfigureAwait(false);
            var containers = await DedicatedThread.Run("container capture", () => Trees.Select(t => Part(parts, t, cancellationToken)).ToList()).ConfigureAwait(false);
            var manifest = Manifest(captured, containers);
            if (!_request.LeaveRunning)
            {
                LeftConnections.Silence(_id, [.. Trees.Where(static t => t.Inspection.Container is { NodeNetwork: false }).Select(static t => t.Root.Pid)]);
                Enter(OperationPhase.Commit);
                Journal.Update(static entry => entry with { Phase = OperationPhase.Commit });
                _committed = await Writer.CommitAsync(manifest, cancellationToken).ConfigureAwait(false);
            }

            // From here CRIU decides; a hook that is gone makes it roll back, which its exit code tells.
            cancellationToken.ThrowIfCancellationRequested();
            if (_request.LeaveRunning)
            {
                _dumps.ForEach(static d => d.TryAllow());
            }
            else
            {
                End();
            }

            return manifest;
        }
        catch
        {
            _dumps.ForEach(static d => d.Refuse());
            throw;
        }
    }

    /// <summary>
    /// Lets the CRIUs end their trees, whose connections say nothing then. Where a hook is gone before any was answered all trees run on,
    /// and their connections with them.
    /// </summary>
    private void End()
    {
        if (!_dumps.TrueForAll(static d => d.IsWaiting))
        {
            _dumps.ForEach(static d => d.Refuse());
            return;
        }

        _dumps.ForEach(static d => d.Connections.Silence());
        foreach (var dump in _dumps.Where(static d => !d.TryAllow()))
        {
            dump.Connections.Release();
        }
    }

    private ContainerPart? Part(ContainerCapture parts, DumpTree tree, CancellationToken cancellationToken)
    {
        if (tree.Inspection.Container is not { } found)
        {
            return null;
        }

        var before = parts.Notes.Count;
        var part = parts.Capture(found, Pod?.SharedBefore(tree.Number) ?? new HashSet<string>(), cancellationToken);
        _notes.AddRange(parts.Notes.Skip(before).Select(f => Pod is null ? f : f with { Subject = $"{found.Subject.Record.Name}: {f.Subject}" }));
        return part;
    }

    /// <summary>What travels beside the memory: files on tmpfs that a plain tree uses, and what the person asked for.</summary>
    private List<string> StatePaths() =>
    [
        .. Trees[0].Inspection.TmpfsFiles.Select(static f => f.Path)
            .Concat(_request.Include.Select(Path.GetFullPath))
            .Distinct(StringComparer.Ordinal),
    ];

    private ManifestContent Manifest(List<StateFile> files, List<ContainerPart?> containers)
    {
        var records = new RecordMaker(_id, Criu, Devices.RecordOf);
        var trees = Trees.Zip(containers, (tree, container) => records.Of(tree, files, container)).ToList();
        return new ManifestContent
        {
            Name = Name,
            Created = _services.Time.GetUtcNow(),
            Node = Host.HostName,
            Intent = _request.LeaveRunning ? "running" : "final",
            Labels = _request.Labels,
            Workload = (Pod is null ? trees[0] : records.Of(Pod, trees)).ToJson(),
        };
    }
}
