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
    private IReadOnlyList<ProcessIdentity> _roots = [];
    private IReadOnlyList<Finding> _findings = [];
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
        error.WorkloadSeen = _roots.Count > 0 ? _roots.All(static r => r.IsAlive()) : error.Code is "pid-not-found" or "pid-is-zombie" ? false : null;
        return error;
    }

    private async Task<CheckpointResult> RunAsync(OperationAbort abort)
    {
        Enter(OperationPhase.Inspect);
        var criu = await CriuLocator.FindAsync(_services.Options.CriuPath, abort.Token).ConfigureAwait(false);
        var workload = await CheckpointWorkload.FindAsync(_services, _request, abort.Token).ConfigureAwait(false);
        _roots = workload.Roots;

        // Before the look at it: another operation may hold it frozen, and what is stopped now would count as stopped by its owner.
        using var locks = WorkloadLocks.Take(_services.Options.RunDirectory, workload.Roots);
        await using var driver = new GpuDriver(_services);
        var (inspections, pod, gpus) = await LookAsync(criu, workload, driver, abort).ConfigureAwait(false);
        var estimate = inspections.Sum(static i => i.EstimatedBytes);
        EngineLog.CheckpointStarted(
            _services.Logger, _id, workload.Roots[0].Pid, inspections[0].Tree.Root.Stat.Name, inspections.Sum(static i => i.Tree.Processes.Count), estimate);

        var files = new EarlyFiles(inspections, pod, _request.Exclude);
        var fileBytes = await files.MeasureAsync(abort.Token).ConfigureAwait(false);

        Enter(OperationPhase.Prepare);
        await using var repository = await _services
            .OpenRepositoryAsync(_request.Repository, _request.KeyFile, abort.Token).ConfigureAwait(false);
        var (target, name, chosen) = await LineageChoice.ChooseAsync(
            repository, _services.Lineages, workload.Last(_services.Lineages), _request.Name, abort.Token).ConfigureAwait(false);
        var memory = OperationMemory.ForCheckpoint(
            _request.MemoryBytes,
            estimate + fileBytes,
            searchParent: !_request.Full && target.Parent is not null,
            repository.UploadBytes,
            earlyContent: fileBytes >= EarlyFiles.Least ? fileBytes : 0);
        _findings = [.. _findings, .. chosen];
        using var pool = new BlockPool(memory.PoolBytes);
        pool.Prefault(abort.Token);
        await using var writer = await repository
            .BeginSnapshotAsync(target, memory.Writer(pool, _services.Loggers), abort.Token).ConfigureAwait(false);
        if (writer.ParentUse.Parent is { } parent)
        {
            EngineLog.ParentChosen(_services.Logger, _id, parent.ToString(), writer.ParentUse.Whole);
        }

        if (memory.EarlyBytes > 0)
        {
            Enter(OperationPhase.Files);
            await files.StoreAsync(_services, _id, writer, pool, fileBytes, abort, Report).ConfigureAwait(false);

            // That may have taken minutes: what is dumped is the workload of now, with its processes, files and connections.
            (inspections, pod, gpus) = await LookAsync(criu, workload, driver, abort).ConfigureAwait(false);
        }

        using var place = RunPlace.Create(_services.Options.RunDirectory, _id);
        var logs = OperationLogs.Create(_services.Options.StateDirectory, _id);
        var trees = Trees(workload, inspections, place, logs);
        using var journal = _services.Journal.Open(Describe(trees, target, place));
        await using IDeviceContext devices = gpus.Processes.Count == 0 ? new NoDevices() : new GpuSuspension(_services, driver, gpus, journal);

        var dump = new DumpSession(_services, _id, _request, abort)
        {
            Criu = criu,
            Trees = trees,
            Pod = pod,
            Name = name,
            Writer = writer,
            Pool = pool,
            FileBytes = fileBytes,
            Journal = journal,
            Devices = devices,
            Enter = Enter,
            Report = Report,
        };
        _logFile = dump.LogPath;
        var sealedBy = await dump.RunAsync().ConfigureAwait(false);
        _findings = [.. _findings, .. journal.Findings];

        try
        {
            Remember(workload, sealedBy.Snapshot, repository.Id);
            journal.Close();
        }
        catch (Exception error)
        {
            // A full disk, for example: the snapshot is there all the same, and the workload as promised.
            throw Outcome.With(error, _request.LeaveRunning ? WorkloadState.Running : WorkloadState.Gone, durable: true, _logFile);
        }

        var result = Result(sealedBy, writer, trees, pod, memory, devices.Timings);
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

    /// <summary>Looks at the workload as it is now, and refuses what cannot be checkpointed.</summary>
    private async Task<(IReadOnlyList<Inspection> Inspections, PodInspection? Pod, GpuInspection Gpus)> LookAsync(
        CriuInstallation criu, CheckpointWorkload workload, GpuDriver driver, OperationAbort abort)
    {
        var (inspections, pod) = workload.Inspect(_request);
        List<Finding> lacking = [];
        foreach (var inspection in inspections)
        {
            lacking.AddRange(await CriuFeatures.MissingAsync(criu, inspection.Options, abort.Token).ConfigureAwait(false));
        }

        var gpus = await GpuSurvey.RunAsync(_services, driver, inspections, abort.Token).ConfigureAwait(false);
        var found = pod?.Findings ?? inspections[0].Verdict.Findings;
        inspections = [.. inspections.Select((tree, i) => tree.With(gpus.Of(i)))];
        _findings = GpuInspectionMerge.Findings(lacking, found, gpus);
        var label = pod is null ? $"Process {inspections[0].Tree.Root.Label}" : $"Pod {pod.Subject.Label}";
        Refusal.ThrowIf(new Verdict(_findings), _request.Force, $"{label} cannot be checkpointed");
        FileCapture.MustBeThere(workload.Roots[0].Pid, [.. _request.Include.Select(Path.GetFullPath)]);
        return (inspections, pod, gpus);
    }

    /// <summary>Remembers the running workload, and this node saw its generation.</summary>
    private void Remember(CheckpointWorkload workload, SnapshotInfo snapshot, string repository)
    {
        if (!_request.LeaveRunning)
        {
            _services.Lineages.Saw(snapshot.Id, repository);
        }
        else if (workload.Pod is { } pod)
        {
            _services.Lineages.BindPod(pod.SandboxId, snapshot.Id, repository);
        }
        else
        {
            _services.Lineages.Bind(workload.Roots[0], snapshot.Id, repository);
        }
    }

    private CheckpointResult Result(SealedDump dump, SnapshotWriter writer, IReadOnlyList<DumpTree> trees, PodInspection? pod, OperationMemory memory, GpuTimings? gpus) => new()
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
        CriuFrozenMs = Math.Round(dump.CriuFrozen.Max().TotalMilliseconds, 3),
        Timings = _clock.Finish(),
        Gpu = gpus,
        Findings = [.. _findings, .. dump.Findings, .. writer.ParentUse.Findings, .. memory.Findings(writer.Target.Parent)],
        Operation = _id,
        Members = pod is null ? null : [.. trees.Select((t, i) => new CheckpointedMember(
            pod.Subject.Members[i].Record.Name,
            pod.Subject.Members[i].Record.Id,
            t.Root.Pid,
            t.Inspection.Tree.Processes.Count,
            Math.Round(dump.CriuFrozen[i].TotalMilliseconds, 3)))],
    };

    private void Enter(string phase)
    {
        _phase = phase;
        _clock.Enter(phase);
        Report(new OperationProgress { Phase = phase });
    }

    private void Report(OperationProgress progress) => _progress?.Report(progress with { Phase = progress.Phase.Length == 0 ? _phase : progress.Phase });
}
