using Checkpointer.Engine.Containers;
using Checkpointer.Engine.Criu;
using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Checkpointing;

/// <summary>
/// A CRIU for each tree and everything that happens while they last. Many parties work at once: the CRIUs, the captures of their streams,
/// and the gates at which they ask before anything irreversible. Whoever fails first stops the others, and every CRIU then resumes its
/// tree. No tree is let go before all are dumped.
/// </summary>
internal sealed partial class DumpSession
{
    /// <summary>CRIU's log within its directory.</summary>
    public const string LogName = "dump.log";

    /// <summary>CRIU needs this long at most to cure a tree and end, after its pipes were closed.</summary>
    internal static readonly TimeSpan CureDeadline = TimeSpan.FromSeconds(30);

    /// <summary>A commit that was cancelled ends this fast, unless the store holds its thread.</summary>
    private static readonly TimeSpan SealDeadline = TimeSpan.FromSeconds(30);

    /// <summary>As long as CRIU itself tries to stop a tree.</summary>
    private static readonly TimeSpan FreezeDeadline = TimeSpan.FromSeconds(10);

    private readonly EngineServices _services;
    private readonly string _id;
    private readonly CheckpointRequest _request;
    private readonly OperationAbort _abort;
    private readonly List<TreeDump> _dumps = [];
    private readonly List<Finding> _notes = [];

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

    /// <summary>At least one; several are the containers of a pod.</summary>
    public required IReadOnlyList<DumpTree> Trees { get; init; }

    /// <summary>The pod; null for a tree of its own.</summary>
    public required PodInspection? Pod { get; init; }

    public required string? Name { get; init; }

    public required SnapshotWriter Writer { get; init; }

    public required BlockPool Pool { get; init; }

    /// <summary>Bytes in the files of containers, as they were measured.</summary>
    public long FileBytes { get; init; }

    public required OpenJournalEntry Journal { get; init; }

    /// <summary>What of the workload is not in its memory.</summary>
    public required IDeviceContext Devices { get; init; }

    /// <summary>Told when a phase begins.</summary>
    public required Action<string> Enter { get; init; }

    public required Action<OperationProgress> Report { get; init; }

    public string LogPath => Trees[0].LogPath;

    private long EstimatedBytes => Trees.Sum(static t => t.Inspection.EstimatedBytes) + FileBytes;

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
        finally
        {
            foreach (var dump in _dumps)
            {
                await dump.DisposeAsync().ConfigureAwait(false);
            }

            if (_guard is not null)
            {
                await _guard.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task<SealedDump> WatchedAsync()
    {
        foreach (var tree in Trees)
        {
            _dumps.Add(new TreeDump(_services, _id, _request, _abort, Journal, tree, Writer, Pool) { Criu = Criu });
        }

        var files = new FileCapture(Writer, Pool);
        var parts = new ContainerCapture(Writer, Pool, _request.Exclude);
        var speed = new Speedometer(_services.Time);
        long Captured() => _dumps.Sum(static d => d.Capture.Bytes) + files.Bytes + parts.Bytes;
        using var watchdog = new Watchdog(
            _services.Time,
            _abort,
            _services.Options.StallLimit,
            () => HashCode.Combine(_dumps.Max(static d => d.Capture.LastProgress), Writer.Progress.LastAdvance, files.Bytes + parts.Bytes, DeviceProgress()),
            () => Report(new OperationProgress
            {
                Phase = "",
                BytesDone = Captured(),
                BytesTotal = EstimatedBytes,
                BytesStored = Writer.Progress.BytesStored,
                BytesReused = Writer.Progress.ReusedBytes,
                BytesPerSecond = speed.Update(Captured()),
            }));
        return await DumpAsync(files, parts, watchdog).ConfigureAwait(false);
    }

    private async Task<SealedDump> DumpAsync(FileCapture files, ContainerCapture parts, Watchdog watchdog)
    {
        _dumps.ForEach(static d => d.Capture.Listen());
        if (_request.LeaveRunning && Pool.Count >= EstimatedBytes / BlockPool.BlockSize)
        {
            Writer.HoldWorkers(true);
        }

        _abort.ThrowIfAborted();
        await StartGuardAsync().ConfigureAwait(false);
        await SuspendDevicesAsync(watchdog).ConfigureAwait(false);
        Enter(OperationPhase.Dump);
        Journal.Update(entry => entry with { Phase = OperationPhase.Dump, Frozen = true, Guard = _guard?.Identity });
        await FreezeAsync(watchdog).ConfigureAwait(false);
        using var criuOver = CancellationTokenSource.CreateLinkedTokenSource(_abort.Token);
        using var closePipes = _abort.Token.Register(() => _dumps.ForEach(d => d.CloseCapture(_abort.Reason!)));
        _dumps.ForEach(static d => d.Start());
        var frozen = MarkFrozenAsync(watchdog);
        var seal = SealAsync(files, parts, criuOver.Token);

        var failed = await EndedAsync(criuOver).ConfigureAwait(false);
        watchdog.Released();
        var frozenFor = frozen.IsCompleted ? _services.Time.GetElapsedTime(_frozenSince) : TimeSpan.Zero;
        await criuOver.CancelAsync().ConfigureAwait(false);
        foreach (var dump in _dumps)
        {
            await dump.CloseAsync().ConfigureAwait(false);
        }

        await AwaitSealAsync(seal).ConfigureAwait(false);

        await JudgeAsync(failed, seal).ConfigureAwait(false);
        if (_request.LeaveRunning)
        {
            Devices.AnnounceResume();
        }

        // The older entry makes a recovery look at the same trees and at the repository: no reason to give up what is dumped already.
        Journal.UpdateIfPossible(entry => entry with { Phase = _request.LeaveRunning ? OperationPhase.Commit : OperationPhase.End, Frozen = false }, _services.Logger);

        Enter(_request.LeaveRunning ? OperationPhase.Thaw : OperationPhase.End);
        var seen = await LookAsync().ConfigureAwait(false);
        var lost = await ResumeDevicesAsync(seen).ConfigureAwait(false);
        if (Devices.IsUsed)
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
            // What was refused may be granted now; what nobody knows the outcome of is not repeated.
            lost = await ResumeDevicesAsync(seen).ConfigureAwait(false);
            frozenFor = _services.Time.GetElapsedTime(_frozenSince);
        }

        if (lost is not null)
        {
            throw NotResumed(lost, null);
        }

        return new SealedDump(_committed!, frozenFor, [.. _dumps.Select(static d => d.CriuFrozen)], _notes);
    }

    /// <summary>
    /// Waits until every CRIU has ended. The first that ends otherwise than it was told to is returned, and stops the others at once: a
    /// pod is dumped as a whole or not at all.
    /// </summary>
    private async Task<TreeDump?> EndedAsync(CancellationTokenSource criuOver)
    {
        TreeDump? failed = null;
        var running = _dumps.ToList();
        while (running.Count > 0)
        {
            await Task.WhenAny(running.Select(static d => (Task)d.Run!)).ConfigureAwait(false);
            foreach (var ended in running.Where(static d => d.Run!.IsCompleted).ToList())
            {
                running.Remove(ended);
                if (failed is null && !ended.Succeeded)
                {
                    failed = ended;
                    await criuOver.CancelAsync().ConfigureAwait(false);
                    running.ForEach(static d => d.Refuse());
                    running.Where(static d => !d.Released).ToList().ForEach(static d => d.CloseCapture(new OperationFailedException("criu-ended", "Another CRIU ended.")));
                }
            }
        }

        return failed;
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

    private async Task MarkFrozenAsync(Watchdog watchdog)
    {
        await Task.WhenAny(_dumps.Select(static d => d.Capture.Connected)).ConfigureAwait(false);
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

    /// <summary>Throws the first cause when the dump did not end as it should.</summary>
    private async Task JudgeAsync(TreeDump? failed, Task seal)
    {
        if (failed is null && seal.IsCompletedSuccessfully)
        {
            return;
        }

        _abort.ThrowIfAborted();
        if (seal.Exception?.InnerException is { } sealError and not OperationCanceledException
            and not CheckpointerException { Code: "image-incomplete" or "criu-ended" or "stream-no-peer" })
        {
            throw sealError;
        }

        throw await (failed ?? _dumps[0]).CauseAsync().ConfigureAwait(false);
    }
}
