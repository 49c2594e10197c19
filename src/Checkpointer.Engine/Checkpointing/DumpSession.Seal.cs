using Checkpointer.Engine.Containers;
using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Preflight;
using Checkpointer.Engine.Recovery;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>What happens while CRIU waits in its post-dump hook: the tree is frozen, the image is whole, nothing is decided yet.</summary>
internal sealed partial class DumpSession
{
    /// <summary>
    /// Waits for the hook, completes the snapshot, and only then lets CRIU go on. Leave-running: the bytes are with us, which is
    /// enough, since the workload lives. Otherwise: the manifest is committed. Any failure refuses, and CRIU resumes the tree.
    /// </summary>
    private async Task<ManifestContent> SealAsync(
        CaptureServer capture,
        HookGate gate,
        FileCapture files,
        ContainerCapture parts,
        ConnectionGuard connections,
        Task<int> criuPid,
        CancellationToken cancellationToken)
    {
        var expected = await criuPid.WaitAsync(cancellationToken).ConfigureAwait(false);
        using var call = await gate.WaitAsync(pid => TaskState.DescendsFrom(pid, expected), cancellationToken).ConfigureAwait(false);

        // A store that hangs must not hold the tree: the hook is answered at once, whatever the commit still does.
        using var refuse = cancellationToken.Register(call.Refuse);
        try
        {
            await capture.Complete.WaitAsync(cancellationToken).ConfigureAwait(false);
            CheckRoot(call.InitPid);
            Devices.CheckImage(capture.Statistics);
            var captured = await DedicatedThread.Run("file capture", () => files.Capture(Root.Pid, StatePaths(), cancellationToken))
                .ConfigureAwait(false);
            var container = Inspection.Container is { } found
                ? await DedicatedThread.Run("container capture", () => parts.Capture(found, cancellationToken)).ConfigureAwait(false)
                : null;

            // While everything stands still: a tree that runs again may change or end.
            var tree = ProcessTree.Read(Root.Pid) ?? Inspection.Tree;
            var manifest = Manifest(captured, container, tree);
            if (!_request.LeaveRunning)
            {
                Enter(OperationPhase.Commit);
                Journal.Write(Journal.Entry with { Phase = OperationPhase.Commit });
                _committed = await Writer.CommitAsync(manifest, cancellationToken).ConfigureAwait(false);
            }

            // From here CRIU decides; a hook that is gone makes it roll back, which its exit code tells.
            cancellationToken.ThrowIfCancellationRequested();
            _released = _request.LeaveRunning ? call.TryAllow() : TryEnd(call, connections);
            return manifest;
        }
        catch
        {
            call.Refuse();
            throw;
        }
    }

    /// <summary>Lets CRIU end the tree, whose connections say nothing then. Where the hook is gone the tree runs on, and they with it.</summary>
    private static bool TryEnd(HookCall call, ConnectionGuard connections)
    {
        if (!call.IsWaiting)
        {
            return false;
        }

        connections.Silence();
        if (call.TryAllow())
        {
            return true;
        }

        connections.Release();
        return false;
    }

    /// <summary>CRIU must have dumped the very process that was inspected.</summary>
    private void CheckRoot(int initPid)
    {
        var expected = EnterNamespacesOf is null ? Root.Pid : Inspection.Tree.Root.OwnPid;
        if (!Root.IsAlive() || (initPid != 0 && initPid != expected))
        {
            throw new OperationFailedException(
                "root-changed",
                $"Process {Root.Pid} is not the one that was inspected any more.",
                "Look the pid up again and checkpoint once more.");
        }
    }

    /// <summary>What travels beside the memory: files on tmpfs that the tree uses, and what the person asked for.</summary>
    private List<string> StatePaths() =>
    [
        .. Inspection.TmpfsFiles.Select(static f => f.Path)
            .Concat(_request.Include.Select(Path.GetFullPath))
            .Distinct(StringComparer.Ordinal),
    ];

    /// <param name="files">What was captured beside the memory.</param>
    /// <param name="container">The container's part; null for a plain tree.</param>
    /// <param name="tree">The tree as it stands still: since it was inspected processes may have come and gone.</param>
    private ManifestContent Manifest(List<StateFile> files, ContainerPart? container, ProcessTree tree)
    {
        var record = new WorkloadRecord
        {
            Version = container is null ? WorkloadRecord.ProcessTreeVersion : WorkloadRecord.CurrentVersion,
            Kind = container is null ? "process-tree" : "container",
            Container = container,
            Operation = _id,
            RootPid = Inspection.Tree.Root.OwnPid,
            Command = Inspection.Tree.Root.Stat.Name,
            Processes = tree.Processes.Count,
            Requirement = RequirementBuilder.WhileFrozen(Inspection.Requirement, tree) with { CriuVersion = Criu.Version.ToString() },
            Options = Inspection.Options,
            StateFiles = files,
            Gpu = Devices.Record,
            StateDirectories = FileCapture.DirectoriesOf(Root.Pid, files.Select(static f => f.Path)),
        };
        return new ManifestContent
        {
            Name = Name,
            Created = _services.Time.GetUtcNow(),
            Node = Host.HostName,
            Intent = _request.LeaveRunning ? "running" : "final",
            Labels = _request.Labels,
            Workload = record.ToJson(),
        };
    }
}
