using Checkpointer.Engine.Checkpointing;
using Checkpointer.Engine.Compatibility;
using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Preflight;
using Checkpointer.Engine.Recovery;
using Checkpointer.Engine.Restoring;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Engine;

/// <summary>The engine in this process, for the node service and for embedded runs alike. Thread-safe.</summary>
public sealed class CheckpointEngine : IEngine
{
    private readonly EngineServices _services;

    /// <param name="options">Where things are.</param>
    /// <param name="loggers">For the log.</param>
    /// <param name="time">The clock.</param>
    /// <param name="runtime">The node's container runtime; without one only process trees are checkpointed and restored.</param>
    public CheckpointEngine(EngineOptions options, ILoggerFactory loggers, TimeProvider time, IContainerRuntime? runtime = null)
        : this(options, loggers, time, null, runtime)
    {
    }

    /// <summary>As above, with another way to open stores.</summary>
    internal CheckpointEngine(
        EngineOptions options, ILoggerFactory loggers, TimeProvider time, Func<string, IBackend>? openBackend, IContainerRuntime? runtime = null)
    {
        _services = new EngineServices(options, loggers, time, openBackend, runtime);
    }

    /// <summary>Told each step of the GPU part; for tests, which strike there.</summary>
    internal Action<string>? GpuStepReached
    {
        get => _services.GpuStepReached;
        set => _services.GpuStepReached = value;
    }

    /// <inheritdoc/>
    public Task<CheckpointResult> CheckpointAsync(
        string operationId, CheckpointRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken) =>
        Translated(() => new CheckpointOperation(_services, operationId, request, progress).RunAsync(cancellationToken));

    /// <inheritdoc/>
    public Task<RestoreResult> RestoreAsync(
        string operationId, RestoreRequest request, IProgress<OperationProgress>? progress, CancellationToken cancellationToken) =>
        Translated(() => new RestoreOperation(_services, operationId, request, progress).RunAsync(cancellationToken));

    /// <inheritdoc/>
    public Task<PreflightReport> PreflightProcessAsync(int pid, PreflightOptions options, CancellationToken cancellationToken) => Translated(() =>
    {
        var identity = WorkloadInspector.Identify(pid);
        var tree = _services.Trees.FindByRoot(identity);
        FileCapture.MustBeThere(pid, options.Include);
        return PreflightAsync(identity, InspectOptions.Of(options) with { OwnedBy = tree is { OwnPidNamespace: true } ? tree.OwnerPid : null }, cancellationToken);
    });

    /// <inheritdoc/>
    public Task<PreflightReport> PreflightContainerAsync(string container, PreflightOptions options, CancellationToken cancellationToken) => Translated(async () =>
    {
        RequestCheck.NothingIncluded(options.Include);
        HostProbe.RequireCapabilities();
        var subject = await ContainerSubject.FindAsync(_services, container, cancellationToken).ConfigureAwait(false);
        var report = await PreflightAsync(subject.Root, InspectOptions.Of(options) with { Container = subject }, cancellationToken).ConfigureAwait(false);
        return report with { Subject = "container " + subject.Record.Label };
    });

    /// <inheritdoc/>
    public Task<PreflightReport> PreflightPodAsync(string pod, PreflightOptions options, CancellationToken cancellationToken) => Translated(async () =>
    {
        RequestCheck.NothingIncluded(options.Include);
        HostProbe.RequireCapabilities();
        var criu = await CriuProbe.LookAsync(_services.Options.CriuPath, cancellationToken).ConfigureAwait(false);
        var subject = await PodSubject.FindAsync(_services, pod, cancellationToken).ConfigureAwait(false);
        var found = PodInspection.Look(subject, member => WorkloadInspector.Inspect(member.Root.Pid, InspectOptions.Of(options) with { Container = member }));
        List<Finding> lacking = [];
        foreach (var member in found.Members)
        {
            lacking.AddRange(await criu.LackingAsync(member.Options, cancellationToken).ConfigureAwait(false));
        }

        await using var driver = new GpuDriver(_services);
        var gpus = await GpuSurvey.RunAsync(_services, driver, found.Members, cancellationToken).ConfigureAwait(false);
        var verdict = new Verdict(GpuInspectionMerge.Findings(lacking, found.Findings, gpus));
        return new PreflightReport
        {
            Subject = "pod " + subject.Label,
            Refuses = verdict.Refuses(force: false),
            Processes = found.Members.Sum(static m => m.Tree.Processes.Count),
            EstimatedBytes = found.Members.Sum(static m => m.EstimatedBytes) + gpus.DeviceBytes,
            Parent = _services.Lineages.FindPod(subject.SandboxId)?.ToString(),
            Findings = [.. verdict.Findings],
        };
    });

    private async Task<PreflightReport> PreflightAsync(ProcessIdentity identity, InspectOptions options, CancellationToken cancellationToken)
    {
        var criu = await CriuProbe.LookAsync(_services.Options.CriuPath, cancellationToken).ConfigureAwait(false);
        var inspection = WorkloadInspector.Inspect(identity.Pid, options);
        await using var driver = new GpuDriver(_services);
        var gpus = await GpuSurvey.RunAsync(_services, driver, [inspection], cancellationToken).ConfigureAwait(false);
        inspection = inspection.With(gpus.Of(0));
        var lacking = await criu.LackingAsync(inspection.Options, cancellationToken).ConfigureAwait(false);
        var verdict = new Verdict(GpuInspectionMerge.Findings(lacking, inspection.Verdict.Findings, gpus));
        return new PreflightReport
        {
            Subject = "pid " + inspection.Tree.Root.Label,
            Refuses = verdict.Refuses(force: false),
            Processes = inspection.Tree.Processes.Count,
            EstimatedBytes = inspection.EstimatedBytes,
            Parent = _services.Lineages.Find(identity)?.ToString(),
            Findings = [.. verdict.Findings],
        };
    }

    /// <inheritdoc/>
    public Task<PreflightReport> PreflightSnapshotAsync(RestoreRequest request, CancellationToken cancellationToken) => Translated(async () =>
    {
        RequestCheck.Check("preflight", request);
        var criu = await CriuProbe.LookAsync(_services.Options.CriuPath, cancellationToken).ConfigureAwait(false);
        await using var opened = await _services.OpenRepositoryAsync(request.Repository, request.KeyFile, cancellationToken).ConfigureAwait(false);
        var (id, past) = await SnapshotChoice.LookAsync(opened, _services.Lineages, request, cancellationToken).ConfigureAwait(false);
        await using var reader = await opened.OpenSnapshotAsync(id, cancellationToken).ConfigureAwait(false);
        var record = WorkloadRecord.Read(reader.Info.Content.Workload, id.ToString());
        var files = new FileWriteBack(record.StateFiles, record.StateDirectories);
        await using var targets = await RestoreTargets.LookAsync(_services, request, record, cancellationToken).ConfigureAwait(false);
        await using var driver = new GpuDriver(_services);
        var gpus = await GpuCompatibility.PlanAsync(
            _services, driver, [.. record.Trees.Select(static t => t.Record.Gpu)], i => targets[i]?.Root, request.Gpus, cancellationToken).ConfigureAwait(false);
        var found = PodReport.Verdict(
            record, [.. record.Trees.Select((t, i) => RestoreOperation.Compare(t.Record, files, criu.Criu, targets[i]))], [.. targets.Findings, .. gpus?.Findings ?? []]);
        // The comparison knows only that there is no CRIU; the look for it knows why.
        var verdict = new Verdict([.. past is null ? [] : (Finding[])[past], .. criu.Findings, .. found.Findings.Where(f => criu.Criu is not null || f.Code != "no-criu")]);
        return new PreflightReport
        {
            Subject = id.ToString(),
            Refuses = verdict.Refuses(force: false),
            Processes = record.Processes,
            EstimatedBytes = reader.Info.BytesCaptured,
            Findings = [.. verdict.Findings],
        };
    });

    /// <inheritdoc/>
    public Task<RecoveryReport> RecoverAsync(CancellationToken cancellationToken) =>
        Translated(() => new RecoveryRunner(_services).RunAsync(cancellationToken));

    /// <inheritdoc/>
    public Task<TreeExit> WaitForTreeAsync(string operationId, CancellationToken cancellationToken) =>
        new TreeWatcher(_services.Trees).WaitAsync(operationId, cancellationToken);

    /// <inheritdoc/>
    public Task SignalTreeAsync(string operationId, int signal, CancellationToken cancellationToken) =>
        new TreeWatcher(_services.Trees).SignalAsync(operationId, signal, cancellationToken);

    /// <summary>A full disk or a missing privilege on the state directory is an error of the host, not a defect.</summary>
    private static async Task<T> Translated<T>(Func<Task<T>> work)
    {
        try
        {
            // The work begins with blocking reads of /proc: never on the caller's thread.
            return await Task.Run(work).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HostException("state-unusable", e.Message, "Free space, or run as root with a writable state directory.", e);
        }
    }
}
