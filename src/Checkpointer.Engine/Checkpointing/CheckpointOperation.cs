using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Lineages;
using Checkpointer.Engine.Preflight;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>
/// One checkpoint, from inspection to a durable snapshot. Until the snapshot is durable every failure ends with the workload running
/// on; a workload is ended only by CRIU, and only after this operation's gate said that the manifest is committed.
/// </summary>
internal sealed partial class CheckpointOperation
{
    private readonly EngineServices _services;
    private readonly string _id;
    private readonly CheckpointRequest _request;
    private readonly IProgress<OperationProgress>? _progress;
    private readonly PhaseClock _clock;

    private string _phase = OperationPhase.Inspect;
    private ProcessIdentity? _root;
    private string? _logFile;

    public CheckpointOperation(EngineServices services, string id, CheckpointRequest request, IProgress<OperationProgress>? progress)
    {
        _services = services;
        _id = id;
        _request = request;
        _progress = progress;
        _clock = new PhaseClock(services.Time);
    }

    public async Task<CheckpointResult> RunAsync(CancellationToken cancellationToken)
    {
        RequestCheck.Check(_id, _request);
        using var abort = new OperationAbort(_request.TimeoutSeconds, _services.Time, cancellationToken);
        try
        {
            return await RunAsync(abort).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (abort.Reason is { } reason)
        {
            throw Seen(Outcome.With(reason, WorkloadState.Untouched, durable: false, _logFile));
        }
        catch (CheckpointerException e)
        {
            Seen(e);
            throw;
        }
    }

    /// <summary>An error that came before the workload was touched does not know whether there is one.</summary>
    private CheckpointerException Seen(CheckpointerException error)
    {
        error.WorkloadSeen = _root is { } root ? root.IsAlive() : error.Code is "pid-not-found" or "pid-is-zombie" ? false : null;
        return error;
    }

    private async Task<CheckpointResult> RunAsync(OperationAbort abort)
    {
        Enter(OperationPhase.Inspect);
        var criu = await CriuLocator.FindAsync(_services.Options.CriuPath, abort.Token).ConfigureAwait(false);
        var container = _request.Container is { } named
            ? await ContainerSubject.FindAsync(_services, named, abort.Token).ConfigureAwait(false)
            : null;
        var root = _root = container?.Root ?? WorkloadInspector.Identify(_request.Pid!.Value);

        // Before the look at it: another operation may hold it frozen, and what is stopped now would count as stopped by its owner.
        using var workload = WorkloadLock.Take(_services.Options.RunDirectory, root);
        var tree = container is null ? _services.Trees.FindByRoot(root) : null;
        var inspection = WorkloadInspector.Inspect(root.Pid, new InspectOptions
        {
            Container = container,
            OwnedBy = tree is { OwnPidNamespace: true } ? tree.OwnerPid : null,
            LeaveRunning = _request.LeaveRunning,
            GhostMaximum = Math.Max(InspectOptions.DefaultGhostMaximum, CriuOptionOverrides.Apply(new TreeOptions(), _request.CriuOptions).GhostLimit),
        });
        var derived = inspection.Options;
        inspection = inspection with { Options = CriuOptionOverrides.Apply(derived, _request.CriuOptions) };
        var lacking = await CriuFeatures.MissingAsync(criu, inspection.Options, abort.Token).ConfigureAwait(false);
        inspection = inspection with { Verdict = new Verdict([.. lacking, .. CriuOptionOverrides.Notes(derived, _request.CriuOptions), .. inspection.Verdict.Findings]) };
        await using var driver = new GpuDriver(_services);
        var gpus = await GpuSurvey.RunAsync(_services, driver, inspection, abort.Token).ConfigureAwait(false);
        inspection = inspection.With(gpus);
        Refusal.ThrowIf(inspection.Verdict, _request.Force, $"Process {inspection.Tree.Root.Label} cannot be checkpointed");
        FileCapture.MustBeThere(root.Pid, [.. _request.Include.Select(Path.GetFullPath)]);
        EngineLog.CheckpointStarted(
            _services.Logger, _id, root.Pid, inspection.Tree.Root.Stat.Name, inspection.Tree.Processes.Count, inspection.EstimatedBytes);

        Enter(OperationPhase.Prepare);
        await using var repository = await _services
            .OpenRepositoryAsync(_request.Repository, _request.KeyFile, abort.Token).ConfigureAwait(false);
        var (target, name) = await LineageChoice.ChooseAsync(
            repository, _services.Lineages, root, _request.Name, abort.Token).ConfigureAwait(false);
        var memory = OperationMemory.ForCheckpoint(
            _request.MemoryBytes, inspection.EstimatedBytes, searchParent: !_request.Full && target.Parent is not null, repository.UploadBytes);
        using var pool = new BlockPool(memory.PoolBytes);
        pool.Prefault(abort.Token);
        await using var writer = await repository
            .BeginSnapshotAsync(target, memory.Writer(pool, _services.Loggers), abort.Token).ConfigureAwait(false);
        if (writer.ParentUse.Parent is { } parent)
        {
            EngineLog.ParentChosen(_services.Logger, _id, parent.ToString(), writer.ParentUse.Whole);
        }

        using var place = RunPlace.Create(_services.Options.RunDirectory, _id);
        var logs = OperationLogs.Create(_services.Options.StateDirectory, _id);
        using var journal = _services.Journal.Open(Describe(inspection, root, target, place, logs));
        await using IDeviceContext devices = gpus.Processes.Count == 0 ? new NoDevices() : new GpuSuspension(_services, driver, gpus, journal);

        var dump = new DumpSession(_services, _id, _request, abort)
        {
            Criu = criu,
            Inspection = inspection,
            Name = name,
            Root = root,
            EnterNamespacesOf = tree is { OwnPidNamespace: true } ? tree.OwnerPid : null,
            Writer = writer,
            Pool = pool,
            Place = place,
            LogDirectory = logs,
            Journal = journal,
            Devices = devices,
            Enter = Enter,
            Report = Report,
        };
        _logFile = dump.LogPath;
        var sealedBy = await dump.RunAsync().ConfigureAwait(false);

        try
        {
            Remember(root, sealedBy.Snapshot);
            journal.Close();
        }
        catch (Exception error)
        {
            // A full disk, for example: the snapshot is there all the same, and the workload as promised.
            throw Outcome.With(error, _request.LeaveRunning ? WorkloadState.Running : WorkloadState.Gone, durable: true, _logFile);
        }

        var result = Result(sealedBy, writer, inspection, memory, devices.Timings);
        Report(new OperationProgress
        {
            Phase = OperationPhase.Done,
            BytesDone = result.BytesCaptured,
            BytesTotal = result.BytesCaptured,
            BytesStored = result.BytesStored,
            BytesReused = result.BytesReused,
        });
        EngineLog.CheckpointDone(
            _services.Logger, _id, result.Snapshot, result.WorkloadRunning ? "running" : "ended", result.FrozenMs);
        return result;
    }

    private JournalEntry Describe(
        Inspection inspection, ProcessIdentity root, SnapshotTarget target, RunPlace place, string logs) => new()
        {
            Operation = _id,
            Kind = OperationKind.Checkpoint,
            Phase = OperationPhase.Prepare,
            Started = _services.Time.GetUtcNow(),
            Repository = RepositoryUrl.WithoutSecret(_request.Repository),
            KeyFile = KeyReference.Parse(_request.KeyFile).Absolute().ToString(),
            BootId = root.BootId,
            Processes =
            [
                .. inspection.Tree.Processes.Select(p => new JournalProcess(
                    p.Pid, p.StartTime, root.PidNamespace, p.Stat.State == 'T')),
            ],
            CriuLog = Path.Combine(logs, DumpSession.LogName),
            NetworkNamespace = NamespaceInode.Of(root.Pid, "net"),
            LeaveRunning = _request.LeaveRunning,
            Snapshot = new SnapshotId(target.Lineage, target.Generation).ToString(),
            RunDirectory = place.Directory,
        };

    /// <summary>The running workload belongs to the lineage from now on, and this node saw its generation.</summary>
    private void Remember(ProcessIdentity root, SnapshotInfo snapshot)
    {
        if (_request.LeaveRunning)
        {
            _services.Lineages.Bind(root, snapshot.Id.Lineage, snapshot.Id.Generation);
        }
        else
        {
            _services.Lineages.Saw(snapshot.Id.Lineage, snapshot.Id.Generation);
        }
    }

    private CheckpointResult Result(SealedDump dump, SnapshotWriter writer, Inspection inspection, OperationMemory memory, GpuTimings? gpus) => new()
    {
        Snapshot = dump.Snapshot.Id.ToString(),
        Lineage = writer.Target.Lineage.ToString(),
        Generation = writer.Target.Generation,
        Name = dump.Snapshot.Content.Name,
        Parent = writer.Target.Parent?.ToString(),
        BytesCaptured = dump.Snapshot.BytesCaptured,
        BytesStored = dump.Snapshot.BytesStored,
        BytesReused = writer.Progress.ReusedBytes,
        Durable = true,
        WorkloadRunning = _request.LeaveRunning,
        FrozenMs = Math.Round(dump.Frozen.TotalMilliseconds, 3),
        CriuFrozenMs = Math.Round(dump.CriuFrozen.TotalMilliseconds, 3),
        Timings = _clock.Finish(),
        Gpu = gpus,
        Findings = [.. inspection.Verdict.Findings, .. writer.ParentUse.Findings, .. memory.Findings(writer.Target.Parent)],
        Operation = _id,
    };

    private void Enter(string phase)
    {
        _phase = phase;
        _clock.Enter(phase);
        Report(new OperationProgress { Phase = phase });
    }

    private void Report(OperationProgress progress) => _progress?.Report(progress with { Phase = progress.Phase.Length == 0 ? _phase : progress.Phase });
}
