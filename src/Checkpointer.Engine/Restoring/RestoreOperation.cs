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
        await using var targets = await RestoreTargets.FindAsync(_services, _request, record, () => Begin(id, null), abort.Token).ConfigureAwait(false);
        var reports = PodReport.Join([.. record.Trees.Select((t, i) => Compare(t.Record, files, criu, targets[i]))]);
        var gpuRecords = record.Trees.Select(static t => t.Record.Gpu).ToList();
        await using var driver = new GpuDriver(_services);
        var gpus = await GpuCompatibility.PlanAsync(_services, driver, gpuRecords, i => targets[i]?.Root, _request.Gpus, abort.Token).ConfigureAwait(false);
        var verdict = PodReport.Verdict(record, reports, [.. targets.Findings, .. gpus?.Findings ?? []]);
        Refusal.ThrowIf(verdict, _request.Force, $"Snapshot {id} cannot be restored here");
        EngineLog.RestoreStarted(_services.Logger, _id, id.ToString());

        Enter(OperationPhase.Prepare);
        new EndedTrees(_services).Sweep();
        var budgets = TreeBudget.Divide(_request.MemoryBytes, reader, [.. record.Trees.Select(static t => t.Prefix)]);
        using var place = RunPlace.Create(_services.Options.RunDirectory, _id);
        var logs = OperationLogs.Create(_services.Options.StateDirectory, _id);
        var directory = _services.Trees.DirectoryOf(_id);
        StateDirectories.Create(directory);
        await using var readers = await TreeReaders.OpenAsync(repository, reader, record.Trees.Count, abort.Token).ConfigureAwait(false);
        var trees = record.Trees.Select((t, i) => Describe(t.Prefix, t.Record, readers[i], i, reports[i], targets[i], targets.Merged(i), budgets[i], place, logs, directory)).ToList();
        using var opened = targets.Journal is null ? _services.Journal.Open(Describe(trees, id, place)) : null;
        var journal = opened ?? targets.Journal!;
        if (opened is null)
        {
            journal.Update(entry => Describe(trees, id, place) with { Version = entry.Version, MadePod = entry.MadePod });
        }

        await using var gpuReturn = gpus is null ? null : new GpuReturn(_services, driver, gpuRecords, gpus, journal);
        using var silence = trees.Count > 1
            ? new PodSilence(_id, trees[0].Target!.Init.Pid, trees.SelectMany(static t => t.Record.Requirement.Connections), _services.Logger)
            : null;
        var session = new RestoreSession(_services, _id, _request, abort)
        {
            Criu = criu,
            Reader = reader,
            Trees = trees,
            Files = files,
            Journal = journal,
            Gpus = gpuReturn,
            Silence = silence,
            Enter = Enter,
            Report = Report,
        };
        var running = await session.RunAsync().ConfigureAwait(false);

        Enter(OperationPhase.Verify);
        targets.Keep();
        var unrecorded = Record(running, trees, id, repository.Id, journal);
        Report(new OperationProgress { Phase = OperationPhase.Done, BytesDone = reader.Info.BytesCaptured, BytesTotal = reader.Info.BytesCaptured });
        EngineLog.RestoreDone(_services.Logger, _id, id.ToString(), running[0].RootPid);
        return new RestoreResult
        {
            Snapshot = id.ToString(),
            Pid = running[0].RootPid,
            Log = targets[0] is { } target ? target.Record.LogPath ?? "" : Path.Combine(directory, "output.log"),
            Container = targets[0]?.Record.Id,
            Members = record.Pod is null ? null : [.. trees.Select((t, i) => new RestoredMember(
                t.Target!.Record.Name, t.Target.Record.Id, running[i].RootPid, t.Target.Record.LogPath ?? ""))],
            Operation = _id,
            BytesFetched = readers.Fetched.Bytes,
            FetchRequests = readers.Fetched.Requests,
            Timings = _clock.Finish(),
            Gpu = gpuReturn?.Timings,
            Findings = [.. unrecorded, .. journal.Findings, .. verdict.Findings],
        };
    }

    /// <summary>
    /// Writes down what runs now. A full disk, for example, must not harm a tree that runs: then it is told, and the journal entry stays
    /// open, which lets the next start adopt the tree.
    /// </summary>
    private IReadOnlyList<Finding> Record(IReadOnlyList<TreeRecord> running, IReadOnlyList<RestoreTree> trees, SnapshotId id, string repository, OpenJournalEntry journal)
    {
        try
        {
            _services.Trees.Write(TreeRecord.Of(running, trees[0].Prefix.Length > 0));
            Remember(running, trees, id, repository);
            List<string> left = journal.Entry.StateFiles is { } files ? new AsideFiles(_id, files, sameBoot: true).Forget() : [];
            journal.Close();
            return left.Count == 0 ? [] :
            [
                new Finding(
                    "state-files-left", FindingSeverity.Note, "files that were replaced", FindingList.Enumerate(left), "nothing of them left",
                    $"Remove the files {AsideFiles.Prefix}{_id}-* beside them by hand."),
            ];
        }
        catch (Exception e)
        {
            EngineLog.CleanupFailed(_services.Logger, e, _id, "the record of the restored tree");
            return
            [
                new Finding(
                    "tree-not-recorded",
                    FindingSeverity.Note,
                    $"process {running[0].RootPid}",
                    $"it runs, but could not be written down: {e.Message}",
                    "a writable state directory",
                    "Mend the state directory; the next start of checkpointer then takes the tree into its records."),
            ];
        }
    }

    private void Remember(IReadOnlyList<TreeRecord> running, IReadOnlyList<RestoreTree> trees, SnapshotId id, string repository)
    {
        if (trees[0].Prefix.Length > 0)
        {
            _services.Lineages.BindPod(trees[0].Target!.Record.SandboxId ?? trees[0].Target!.Record.Id, id, repository);
        }
        else if (ProcessIdentity.Of(running[0].RootPid) is { } root)
        {
            _services.Lineages.Bind(root, id, repository);
        }
        else
        {
            // It ran and ended within these milliseconds: a restore all the same, and its exit is with its owner.
            _services.Lineages.Saw(id, repository);
        }
    }

    /// <summary>
    /// What speaks against this node: its profile, and files that would have to be written over. Of a container without a target what only the target can tell is
    /// left out.
    /// </summary>
    internal static CompatibilityReport Compare(WorkloadRecord record, FileWriteBack files, CriuInstallation? criu, ContainerTarget? target = null)
    {
        var place = target is null
            ? new RestoreTarget { IsUnknown = record.Container is not null, Carried = record.StateFiles.Select(static f => f.Path).ToHashSet(StringComparer.Ordinal) }
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

    private RestoreTree Describe(
        string prefix,
        WorkloadRecord record,
        SnapshotReader reader,
        int number,
        CompatibilityReport report,
        ContainerTarget? target,
        IReadOnlySet<string> merged,
        long pool,
        RunPlace place,
        string logs,
        string directory)
    {
        var name = prefix.TrimEnd('-');
        var tree = new RestoreTree
        {
            Number = number,
            Prefix = prefix,
            Record = record,
            Reader = reader,
            StdioMaps = target is null
                ? StdioMapping.Arguments(record.Requirement.OutsideEnds, _request)
                : StdioMapping.Arguments(record.Requirement.OutsideEnds, target.Init.Pid),
            Compatibility = report,
            Target = target,
            Merged = merged,
            Place = name.Length == 0 ? place : place.Below(name),
            LogDirectory = Path.Combine(logs, name),
            TreeDirectory = Path.Combine(directory, name),
            PoolBytes = pool,
        };
        StateDirectories.Create(tree.LogDirectory);
        StateDirectories.Create(tree.TreeDirectory);
        return tree;
    }

    private JournalEntry Describe(IReadOnlyList<RestoreTree> trees, SnapshotId id, RunPlace place)
    {
        var entry = Begin(id, place.Directory) with { Version = _request.Cgroup is null ? JournalEntry.OneTreeVersion : JournalEntry.SeveralTreesVersion };
        return trees[0].Prefix.Length == 0
            ? Describe(entry, trees[0])
            : entry with { Version = JournalEntry.SeveralTreesVersion, Sandbox = trees[0].Target!.Record.SandboxId, Members = [.. trees.Select(t => JournalMember.Of(Describe(entry, t)))] };
    }

    private JournalEntry Begin(SnapshotId id, string? runDirectory) => JournalEntry.Begin(
        _id, OperationKind.Restore, _services.Time.GetUtcNow(), _request.Repository, _request.KeyFile, Host.BootId, id, runDirectory);

    private JournalEntry Describe(JournalEntry entry, RestoreTree tree) => entry with
    {
        TreeDirectory = tree.TreeDirectory,
        Cgroup = _request.Cgroup is { } named ? new JournalCgroup(named, tree.Compatibility.NeedsPidNamespace ? [] : tree.Record.Requirement.ThreadIds) : null,
        Container = tree.Target is not { } target ? null : new JournalContainer(target.Record.Id, target.Init.Pid, target.Init.StartTime, target.Init.PidNamespace),
    };

    private void Enter(string phase)
    {
        _phase = phase;
        _clock.Enter(phase);
        Report(new OperationProgress { Phase = phase });
    }

    private void Report(OperationProgress progress) =>
        _progress?.Report(progress.Phase.Length == 0 ? progress with { Phase = _phase } : progress);
}
