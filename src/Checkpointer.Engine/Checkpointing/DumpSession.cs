using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Preflight;
using Checkpointer.Engine.Recovery;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>
/// CRIU's run and everything that happens while it lasts. Three parties work at once: CRIU itself, the capture of its streams, and the
/// gate that CRIU's hook asks before anything irreversible. Whoever fails first stops the others, and CRIU then resumes the tree.
/// </summary>
internal sealed partial class DumpSession
{
    /// <summary>CRIU's log within its directory.</summary>
    public const string LogName = "dump.log";

    /// <summary>CRIU needs this long at most to cure a tree and end, after its pipes were closed.</summary>
    private static readonly TimeSpan CureDeadline = TimeSpan.FromSeconds(30);

    /// <summary>A commit that was cancelled ends this fast, unless the store holds its thread.</summary>
    private static readonly TimeSpan SealDeadline = TimeSpan.FromSeconds(30);

    private readonly EngineServices _services;
    private readonly string _id;
    private readonly CheckpointRequest _request;
    private readonly OperationAbort _abort;

    private bool _released;
    private bool _sealHangs;
    private SnapshotInfo? _committed;
    private long _frozenSince;

    public DumpSession(EngineServices services, string id, CheckpointRequest request, OperationAbort abort)
    {
        _services = services;
        _id = id;
        _request = request;
        _abort = abort;
    }

    public required CriuInstallation Criu { get; init; }

    public required Inspection Inspection { get; init; }

    public required string? Name { get; init; }

    public required ProcessIdentity Root { get; init; }

    /// <summary>The owner whose pid and mount namespace CRIU must run in; null for a tree in our own.</summary>
    public required int? EnterNamespacesOf { get; init; }

    public required SnapshotWriter Writer { get; init; }

    public required BlockPool Pool { get; init; }

    public required RunPlace Place { get; init; }

    public required string LogDirectory { get; init; }

    public required OpenJournalEntry Journal { get; init; }

    /// <summary>What of the workload is not in its memory.</summary>
    public required IDeviceContext Devices { get; init; }

    /// <summary>Told when a phase begins.</summary>
    public required Action<string> Enter { get; init; }

    public required Action<OperationProgress> Report { get; init; }

    public string LogPath => Path.Combine(LogDirectory, LogName);

    /// <summary>Dumps and seals.</summary>
    /// <exception cref="CheckpointerException">It failed; the exception says what the workload does now, as it was seen afterwards.</exception>
    public async Task<SealedDump> RunAsync()
    {
        try
        {
            return await WatchedAsync().ConfigureAwait(false);
        }
        catch (Exception error)
        {
            throw await FailAsync(_abort.Explain(error)).ConfigureAwait(false);
        }
    }

    private async Task<SealedDump> WatchedAsync()
    {
        using var connections = new ConnectionGuard(Journal.Entry, _services.Logger);
        await using var capture = new CaptureServer(
            Place.Directory, Writer, Pool, _services.Loggers.CreateLogger("Checkpointer.Capture"), _services.Time)
        {
            FileClosed = connections.Dumped,
        };
        using var gate = new HookGate(Place.HookSocket, _id, "post-dump", _services.Logger);
        var files = new FileCapture(Writer, Pool);
        var parts = new ContainerCapture(Writer, Pool, _request.Exclude);
        var speed = new Speedometer(_services.Time);
        using var watchdog = new Watchdog(
            _services.Time,
            _abort,
            _services.Options.StallLimit,
            () => HashCode.Combine(capture.LastProgress, Writer.Progress.LastAdvance, files.Bytes + parts.Bytes, DeviceProgress()),
            () => Report(new OperationProgress
            {
                Phase = "",
                BytesDone = capture.Bytes + files.Bytes + parts.Bytes,
                BytesTotal = Inspection.EstimatedBytes,
                BytesStored = Writer.Progress.BytesStored,
                BytesReused = Writer.Progress.ReusedBytes,
                BytesPerSecond = speed.Update(capture.Bytes + files.Bytes + parts.Bytes),
            }));
        return await DumpAsync(capture, gate, files, parts, connections, watchdog).ConfigureAwait(false);
    }

    private async Task<SealedDump> DumpAsync(
        CaptureServer capture, HookGate gate, FileCapture files, ContainerCapture parts, ConnectionGuard connections, Watchdog watchdog)
    {
        capture.Listen();
        if (_request.LeaveRunning && Pool.Count >= Inspection.EstimatedBytes / BlockPool.BlockSize)
        {
            Writer.HoldWorkers(true);
        }

        _abort.ThrowIfAborted();
        await SuspendDevicesAsync(watchdog).ConfigureAwait(false);
        Enter(OperationPhase.Dump);
        Journal.Write(Journal.Entry with { Phase = OperationPhase.Dump, Frozen = true });
        var started = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var kill = new CancellationTokenSource();
        using var criuOver = CancellationTokenSource.CreateLinkedTokenSource(_abort.Token);
        using var closePipes = _abort.Token.Register(() =>
        {
            capture.Abort(_abort.Reason!);
            kill.CancelAfter(CureDeadline);
        });
        var criu = new CriuRunner().RunAsync(Run(gate, started), kill.Token);
        var captured = capture.RunAsync(ProcessMatcher.SelfOrDescendantOf(started.Task), CancellationToken.None);
        var frozen = MarkFrozenAsync(capture, watchdog);
        var seal = SealAsync(capture, gate, files, parts, connections, started.Task, criuOver.Token);

        await ((Task)criu).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        watchdog.Released();
        var frozenFor = frozen.IsCompleted ? _services.Time.GetElapsedTime(_frozenSince) : TimeSpan.Zero;
        await criuOver.CancelAsync().ConfigureAwait(false);
        capture.Abort(new OperationFailedException("criu-ended", "CRIU ended."));
        await captured.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await AwaitSealAsync(seal).ConfigureAwait(false);

        Judge(await criu.ConfigureAwait(false), captured, seal);
        if (_request.LeaveRunning)
        {
            Devices.AnnounceResume();
        }

        Journal.Write(Journal.Entry with { Phase = _request.LeaveRunning ? OperationPhase.Commit : OperationPhase.End, Frozen = false });

        Enter(_request.LeaveRunning ? OperationPhase.Thaw : OperationPhase.End);
        var seen = await LookAsync().ConfigureAwait(false);
        var lost = await ResumeDevicesAsync(seen).ConfigureAwait(false);
        if (Devices.Record is not null)
        {
            frozenFor = _services.Time.GetElapsedTime(_frozenSince);
        }

        if (_request.LeaveRunning)
        {
            Enter(OperationPhase.Commit);
            Writer.HoldWorkers(false);
            Writer.Hurry = false;
            _committed = await Writer.CommitAsync(await seal.ConfigureAwait(false), _abort.Token).ConfigureAwait(false);
        }

        // Judged only now: a workload that does not go on is worth its snapshot all the more.
        CheckWorkload(seen);
        if (lost is not null)
        {
            throw NotResumed(lost, null);
        }

        return new SealedDump(_committed!, frozenFor, CriuFrozen());
    }

    /// <summary>Waits until the seal has ended: what became of the snapshot must be known before anything is said.</summary>
    private async Task AwaitSealAsync(Task seal)
    {
        try
        {
            await seal.WaitAsync(SealDeadline, _services.Time).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!seal.IsCompleted)
        {
            // The store holds its thread. The entry stays open for a recovery that looks what was stored in the end.
            _sealHangs = true;
        }
        catch (Exception e) when (seal.IsCompleted)
        {
            // Judge tells it, or a better reason.
            EngineLog.SealEnded(_services.Logger, e, _id);
        }
    }

    private async Task MarkFrozenAsync(CaptureServer capture, Watchdog watchdog)
    {
        await capture.Connected.ConfigureAwait(false);
        MarkFrozen(watchdog);
    }

    private void MarkFrozen(Watchdog watchdog)
    {
        if (_frozenSince == 0)
        {
            _frozenSince = _services.Time.GetTimestamp();
            watchdog.Frozen(TimeSpan.FromSeconds(_request.MaxFrozenSeconds));
        }
    }

    private CriuRun Run(HookGate gate, TaskCompletionSource<int> started)
    {
        var options = new CriuDumpOptions
        {
            RootPid = EnterNamespacesOf is null ? Root.Pid : Inspection.Tree.Root.OwnPid,
            ImagesDirectory = Place.Directory,
            WorkDirectory = LogDirectory,
            LibraryDirectory = Place.EmptyDirectory,
            ActionScript = _services.Hook,
            LeaveRunning = _request.LeaveRunning,
            Tree = Inspection.Options,
        };
        return new CriuRun
        {
            Criu = Criu,
            Arguments = options.ToArguments(),
            WorkDirectory = LogDirectory,
            LogPath = options.LogPath,
            Environment = gate.Environment(TimeSpan.FromSeconds(_request.MaxFrozenSeconds) + CureDeadline),
            PrefixCommand = Detached.Prefix(_services.Init, EnterNamespacesOf),
            OnStarted = pid =>
            {
                try
                {
                    NoteCriu(pid);
                }
                catch (Exception e)
                {
                    // CRIU runs already: it must be waited for, so this ends the operation like any other failure.
                    _abort.Abort(e);
                }

                started.TrySetResult(pid);
            },
        };
    }

    private void NoteCriu(int pid)
    {
        if (ProcessIdentity.Of(pid) is { } identity)
        {
            Journal.Write(Journal.Entry with
            {
                Criu = new JournalProcess(identity.Pid, identity.StartTime, identity.PidNamespace, WasStopped: false),
            });
        }
    }

    /// <summary>Throws the first cause when the dump did not end as it should.</summary>
    private void Judge(CriuResult result, Task captured, Task seal)
    {
        if (_released && result.ExitCode == 0 && seal.IsCompletedSuccessfully)
        {
            return;
        }

        _abort.ThrowIfAborted();
        if (seal.Exception?.InnerException is { } sealError and not OperationCanceledException)
        {
            throw sealError;
        }

        // A store that failed is the cause of CRIU's broken pipe, not its consequence; an incomplete image is the consequence of CRIU's failure.
        if (captured.Exception?.InnerException is CheckpointerException { Code: not ("image-incomplete" or "criu-ended" or "stream-no-peer") } streamError)
        {
            throw streamError;
        }

        var diagnosis = CriuLog.DiagnoseFile(result);
        throw new OperationFailedException(
            diagnosis.Code,
            $"CRIU could not dump process {Inspection.Tree.Root.Label}: {diagnosis.Cause}{CriuWords.Of(diagnosis)}",
            diagnosis.Remedy)
        {
            LogFile = result.LogPath,
        };
    }

    private TimeSpan CriuFrozen() => CriuStats.ReadDump(LogDirectory)?.Frozen ?? TimeSpan.Zero;
}
