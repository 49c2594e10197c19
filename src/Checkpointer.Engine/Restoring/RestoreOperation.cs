using Checkpointer.Engine.Checkpointing;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Images;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Lineages;
using Checkpointer.Engine.Preflight;
using Checkpointer.Engine.Recovery;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Restoring;

/// <summary>
/// One restore, from a manifest to a tree that runs under its owner. Whatever fails before the tree is released leaves nothing behind:
/// the half-restored tree is killed, and the snapshot is as it was.
/// </summary>
internal sealed partial class RestoreOperation
{
    private readonly EngineServices _services;
    private readonly string _id;
    private readonly RestoreRequest _request;
    private readonly IProgress<OperationProgress>? _progress;
    private readonly PhaseClock _clock;

    private string _phase = OperationPhase.Load;

    public RestoreOperation(EngineServices services, string id, RestoreRequest request, IProgress<OperationProgress>? progress)
    {
        _services = services;
        _id = id;
        _request = request;
        _progress = progress;
        _clock = new PhaseClock(services.Time);
    }

    public async Task<RestoreResult> RunAsync(CancellationToken cancellationToken)
    {
        RequestCheck.Check(_id, _request);
        using var abort = new OperationAbort(_request.TimeoutSeconds, _services.Time, cancellationToken);
        try
        {
            return await RunAsync(abort).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (abort.Reason is { } reason)
        {
            throw Outcome.With(reason, WorkloadState.Gone, durable: true, logFile: null);
        }
    }

    private async Task<RestoreResult> RunAsync(OperationAbort abort)
    {
        Enter(OperationPhase.Load);
        HostProbe.RequireCapabilities();
        var criu = await CriuLocator.FindAsync(_services.Options.CriuPath, abort.Token).ConfigureAwait(false);
        await using var repository = await _services
            .OpenRepositoryAsync(_request.Repository, _request.KeyFile, abort.Token).ConfigureAwait(false);
        var id = await SnapshotChoice.ChooseAsync(repository, _services.Lineages, _request, abort.Token).ConfigureAwait(false);
        await using var reader = await repository.OpenSnapshotAsync(id, abort.Token).ConfigureAwait(false);
        var record = WorkloadRecord.Read(reader.Info.Content.Workload, id.ToString());
        var files = new FileWriteBack(record.StateFiles, record.StateDirectories);
        await using var target = await ContainerTarget.FindAsync(_services, _request, record.Container, abort.Token).ConfigureAwait(false);
        var report = Compare(record, files, criu, target);
        await using var driver = new GpuDriver(_services);
        var gpus = await GpuCompatibility.PlanAsync(_services, driver, record.Gpu, _request.Gpus, abort.Token).ConfigureAwait(false);
        report = With(report, gpus);
        Refusal.ThrowIf(report.Verdict, _request.Force, $"Snapshot {id} cannot be restored here");
        var maps = target is null
            ? StdioMapping.Arguments(record.Requirement.OutsideEnds, _request)
            : StdioMapping.Arguments(record.Requirement.OutsideEnds, target.Init.Pid);
        EngineLog.RestoreStarted(_services.Logger, _id, id.ToString());

        Enter(OperationPhase.Prepare);
        new EndedTrees(_services).Sweep();
        using var pool = Pool(reader);
        using var place = RunPlace.Create(_services.Options.RunDirectory, _id);
        var logs = OperationLogs.Create(_services.Options.StateDirectory, _id);
        var treeDirectory = _services.Trees.DirectoryOf(_id);
        StateDirectories.Create(treeDirectory);
        using var journal = _services.Journal.Open(new JournalEntry
        {
            Operation = _id,
            Kind = OperationKind.Restore,
            Phase = OperationPhase.Prepare,
            Started = _services.Time.GetUtcNow(),
            Repository = RepositoryUrl.WithoutSecret(_request.Repository),
            KeyFile = KeyReference.Parse(_request.KeyFile).Absolute().ToString(),
            BootId = Host.BootId,
            Snapshot = id.ToString(),
            TreeDirectory = treeDirectory,
            RunDirectory = place.Directory,
            Container = target is null ? null : new JournalContainer(target.Record.Id, target.Init.Pid, target.Init.StartTime, target.Init.PidNamespace),
        });
        await using var gpuReturn = gpus is null ? null : new GpuReturn(_services, driver, record.Gpu!, gpus, journal);
        var session = new RestoreSession(_services, _id, _request, abort)
        {
            Criu = criu,
            Reader = reader,
            Record = record,
            StdioMaps = maps,
            Compatibility = report,
            Files = files,
            Target = target,
            Pool = pool,
            Place = place,
            LogDirectory = logs,
            TreeDirectory = treeDirectory,
            Journal = journal,
            Gpus = gpuReturn,
            Enter = Enter,
            Report = Report,
        };
        var tree = await session.RunAsync().ConfigureAwait(false);

        Enter(OperationPhase.Verify);
        target?.Keep();
        var unrecorded = Record(tree, id, journal);
        Report(new OperationProgress { Phase = OperationPhase.Done, BytesDone = reader.Info.BytesCaptured, BytesTotal = reader.Info.BytesCaptured });
        EngineLog.RestoreDone(_services.Logger, _id, id.ToString(), tree.RootPid);
        return new RestoreResult
        {
            Snapshot = id.ToString(),
            Pid = tree.RootPid,
            Log = target is null ? Path.Combine(treeDirectory, "output.log") : target.Record.LogPath ?? "",
            Container = target?.Record.Id,
            Operation = _id,
            Timings = _clock.Finish(),
            Gpu = gpuReturn?.Timings,
            Findings = [.. unrecorded, .. report.Verdict.Findings],
        };
    }

    /// <summary>
    /// Writes down what runs now. A full disk, for example, must not harm a tree that runs: then it is told, and the journal entry stays
    /// open, which lets the next start adopt the tree.
    /// </summary>
    private IReadOnlyList<Finding> Record(TreeRecord tree, SnapshotId id, OpenJournalEntry journal)
    {
        try
        {
            _services.Trees.Write(tree);
            Remember(tree, id);
            journal.Close();
            return [];
        }
        catch (Exception e)
        {
            EngineLog.CleanupFailed(_services.Logger, e, _id, "the record of the restored tree");
            return
            [
                new Finding(
                    "tree-not-recorded",
                    FindingSeverity.Note,
                    $"process {tree.RootPid}",
                    $"it runs, but could not be written down: {e.Message}",
                    "a writable state directory",
                    "Mend the state directory; the next start of checkpointer then takes the tree into its records."),
            ];
        }
    }

    private void Remember(TreeRecord tree, SnapshotId id)
    {
        if (ProcessIdentity.Of(tree.RootPid) is { } root)
        {
            _services.Lineages.Bind(root, id.Lineage, id.Generation);
        }
        else
        {
            // It ran and ended within these milliseconds: a restore all the same, and its exit is with its owner.
            _services.Lineages.Saw(id.Lineage, id.Generation);
        }
    }

    /// <summary>What speaks against this node: its profile, and files that would have to be written over.</summary>
    internal static CompatibilityReport Compare(WorkloadRecord record, FileWriteBack files, CriuInstallation? criu, ContainerTarget? target = null)
    {
        var place = target is null
            ? new RestoreTarget { Carried = record.StateFiles.Select(static f => f.Path).ToHashSet(StringComparer.Ordinal) }
            : ContainerCheck.PlaceOf(record.Container!, record.Requirement, target);
        var report = CompatibilityCheck.Check(record.Requirement, NodeProfile.Read(criu), place);
        if (target is not null)
        {
            var findings = new FindingList();
            ContainerCheck.Run(record.Container!, record.Requirement, target, findings);
            report = report with { Verdict = new Verdict([.. findings.ToVerdict().Findings, .. report.Verdict.Findings]) };
        }

        List<Finding> imported = record.Imported ? [ImageImport.RestoreNote] : [];
        return report with { Verdict = new Verdict([.. report.Verdict.Findings, .. files.Check(), .. imported]) };
    }

    /// <summary>A report together with what speaks against the GPUs.</summary>
    internal static CompatibilityReport With(CompatibilityReport report, GpuPlan? gpus) => gpus is null
        ? report
        : report with { Verdict = new Verdict([.. report.Verdict.Findings.Concat(gpus.Findings).OrderByDescending(static f => f.Severity)]) };

    private BlockPool Pool(SnapshotReader reader)
    {
        var least = Math.Max(ImageServer.MinimumBudget(reader), 2L * (BlockPool.BlockSize + BlockPool.Headroom));
        if (_request.MemoryBytes < Math.Max(least, OperationMemory.Minimum))
        {
            throw OperationMemory.TooSmall(_request.MemoryBytes, Math.Max(least, OperationMemory.Minimum));
        }

        // More than the image is of no use.
        return new BlockPool(Math.Min(_request.MemoryBytes, Math.Max(least, OperationMemory.Useful(reader.Info.BytesCaptured))));
    }

    private void Enter(string phase)
    {
        _phase = phase;
        _clock.Enter(phase);
        Report(new OperationProgress { Phase = phase });
    }

    private void Report(OperationProgress progress) =>
        _progress?.Report(progress.Phase.Length == 0 ? progress with { Phase = _phase } : progress);
}
