using Checkpointer.Engine.Criu;
using Checkpointer.Engine.FileState;
using Checkpointer.Engine.Gpu;
using Checkpointer.Engine.Journal;
using Checkpointer.Engine.Lineages;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Restoring;

/// <summary>
/// A CRIU for each tree, under the tree's owner, and everything that happens while they last. No tree is let go before all are built; when
/// one fails all are killed.
/// </summary>
internal sealed partial class RestoreSession
{
    /// <summary>Killing a half-restored tree takes the kernel this long at most.</summary>
    private static readonly TimeSpan AbandonDeadline = TimeSpan.FromSeconds(30);

    /// <summary>After the hook's answer CRIU only has to set the tasks going.</summary>
    private static readonly TimeSpan StartDeadline = TimeSpan.FromMinutes(2);

    private const int Released = 1;
    private const int Refused = 2;

    private readonly EngineServices _services;
    private readonly string _id;
    private readonly RestoreRequest _request;
    private readonly OperationAbort _abort;

    private readonly List<TreeRestore> _restores = [];
    private int _decision;
    private volatile bool _released;
    private bool _running;

    public RestoreSession(EngineServices services, string id, RestoreRequest request, OperationAbort abort)
    {
        _services = services;
        _id = id;
        _request = request;
        _abort = abort;
    }

    public required CriuInstallation Criu { get; init; }

    public required SnapshotReader Reader { get; init; }

    /// <summary>At least one; several are the containers of a pod.</summary>
    public required IReadOnlyList<RestoreTree> Trees { get; init; }

    public required FileWriteBack Files { get; init; }

    public required OpenJournalEntry Journal { get; init; }

    /// <summary>Gives the trees' CUDA processes their GPUs; null where there are none.</summary>
    public required GpuReturn? Gpus { get; init; }

    /// <summary>Keeps the trees' connections quiet until all are there; null for one tree.</summary>
    public required PodSilence? Silence { get; init; }

    public required Action<string> Enter { get; init; }

    public required Action<OperationProgress> Report { get; init; }

    private string LogPath => Trees[0].LogPath;

    /// <summary>Restores.</summary>
    /// <returns>What runs now, one record a tree.</returns>
    public async Task<IReadOnlyList<TreeRecord>> RunAsync()
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
            foreach (var restore in _restores)
            {
                await restore.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task<IReadOnlyList<TreeRecord>> WatchedAsync()
    {
        foreach (var tree in Trees)
        {
            _restores.Add(new TreeRestore(_services, _id, _request, _abort, Journal, Criu, tree));
        }

        var speed = new Speedometer(_services.Time);
        long Served() => _restores.Sum(static r => r.Bytes);
        using var watchdog = new Watchdog(
            _services.Time,
            _abort,
            _services.Options.StallLimit,
            () => _restores.Aggregate(Files.BytesWritten, static (sum, r) => HashCode.Combine(sum, r.Progress)),
            () => Report(new OperationProgress
            {
                Phase = "",
                BytesDone = Served(),
                BytesTotal = Reader.Info.BytesCaptured,
                BytesPerSecond = speed.Update(Served()),
            }));
        await Files.WriteAsync(Reader, Journal, _abort.Token).ConfigureAwait(false);
        foreach (var restore in _restores)
        {
            await restore.ReserveAsync().ConfigureAwait(false);
        }

        // What one container has mounted another may have, too: all files are there before the first CRIU opens one.
        foreach (var restore in _restores)
        {
            await restore.FillAsync().ConfigureAwait(false);
        }

        Silence?.Begin(Journal);
        foreach (var restore in _restores)
        {
            await restore.ListenAsync().ConfigureAwait(false);
            await restore.LaunchAsync(_abort.Token).ConfigureAwait(false);
        }

        return await RestoreAsync().ConfigureAwait(false);
    }

    private async Task<IReadOnlyList<TreeRecord>> RestoreAsync()
    {
        Enter(OperationPhase.Restore);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_abort.Token);
        using var giveUp = new CancellationTokenSource();
        using var closePipes = _abort.Token.Register(() =>
        {
            // Once a tree was let go it may act on the world: then the restore is carried to its end.
            if (TryDecide(Refused))
            {
                _restores.ForEach(r => r.CloseImages(_abort.Reason!));
                giveUp.Cancel();
            }
        });
        var roots = _restores.Select(r => r.StartAsync(giveUp.Token)).ToList();
        var allowed = _restores.Select(r => r.AtHookAsync(over.Token)).ToList();
        var release = ReleaseAsync(allowed, giveUp, over.Token);
        TreeRestore? failed;
        try
        {
            failed = await EndedAsync(roots, over).ConfigureAwait(false);
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            foreach (var restore in _restores)
            {
                await restore.CloseAsync().ConfigureAwait(false);
            }

            await release.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.WhenAll(roots.Select(static r => (Task)r)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (failed is null && !_released)
        {
            failed = _restores[0];
        }

        if (failed is not null)
        {
            _abort.ThrowIfAborted();
            if (roots[_restores.IndexOf(failed)].IsCanceled && _released)
            {
                throw new OperationFailedException(
                    "tree-not-started", $"CRIU did not finish within {Durations.Format(StartDeadline)} of letting the tree go.", "Look into CRIU's log.");
            }

            // A veto of our own may stand at any of them.
            throw failed.Cause(release.IsFaulted ? release : allowed[_restores.IndexOf(failed)]);
        }

        if (Gpus is { } gpus)
        {
            // CRIU's success says nothing about GPUs.
            await gpus.RunAsync([.. _restores.Select(static r => r.Tree.Target?.Init.Pid ?? r.Owner!.Pid)]).ConfigureAwait(false);
        }

        // From here on it is a workload like any other: whatever fails now must not end it.
        _running = true;
        return [.. _restores.Select((r, i) => r.Describe(roots[i].Result!.Value))];
    }

    /// <summary>Waits until every tree runs. The first that does not is returned, and stops the others.</summary>
    private async Task<TreeRestore?> EndedAsync(List<Task<int?>> roots, CancellationTokenSource over)
    {
        TreeRestore? failed = null;
        var running = roots.ToList<Task>();
        while (running.Count > 0)
        {
            var ended = await Task.WhenAny(running).ConfigureAwait(false);
            running.Remove(ended);
            var index = roots.IndexOf((Task<int?>)ended);
            if (failed is null && (!roots[index].IsCompletedSuccessfully || roots[index].Result is null))
            {
                failed = _restores[index];
                await over.CancelAsync().ConfigureAwait(false);
                foreach (var other in _restores.Where(r => r != failed))
                {
                    other.Refuse();
                    other.CloseImages(new OperationFailedException("criu-ended", "Another CRIU ended."));
                    other.Abandon();
                }
            }
        }

        return failed;
    }
}
