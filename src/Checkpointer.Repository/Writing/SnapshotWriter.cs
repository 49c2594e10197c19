using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Checkpointer.Repository;

/// <summary>
/// Makes one snapshot. Dead after its first error: then <see cref="Failure"/> is faulted, every call throws that error, and appended blocks go straight
/// back to the pool. Disposing it without a commit aborts and leaves only objects that no manifest names.
/// </summary>
public sealed partial class SnapshotWriter : IAsyncDisposable
{
    /// <summary>Characters of a file's name.</summary>
    public const int MaxFileName = 255;

    /// <summary>How long a dispose waits for workers that are inside the store; a thread that a dead share holds longer is left behind.</summary>
    internal static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(10);

    private readonly SnapshotStore _store;
    private readonly SnapshotTarget _target;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly PackTable _packs = new();
    private readonly SnapshotWorker[] _workers;
    private readonly ConcurrentDictionary<string, FileWriter> _files = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _cancel = new();
    private readonly TaskCompletionSource _failure = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private static readonly OperationCancelledException Ended = new("cancelled", "the snapshot was given up; nothing of it is visible");

    private CheckpointerException? _error;
    private volatile bool _hurry = true;
    private volatile bool _ended;

    internal SnapshotWriter(IBackend backend, KeyRing keys, SnapshotStore store, SnapshotTarget target, OpenedParent parent, WriterOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(target.Generation, 1, nameof(target));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Workers, 1, nameof(options));
        _store = store;
        _target = target;
        Parent = parent;
        Parent.Search?.Attach(_packs);
        _time = options.Time;
        _logger = options.Logger ?? NullLogger.Instance;
        Counters = new WriterCounters(_time);
        _early = options.EarlyMemory > 0 ? new EarlyTable(options.EarlyMemory) : null;
        Queue = new WorkQueue(options.Pool, options.Workers);
        Small = new SmallWrites(Queue, () => _error ?? (_ended ? Ended : null));
        Map = new MapWriter(backend, keys, Counters, () => _error, _cancel.Token);
        _workers = new SnapshotWorker[options.Workers];
        for (int i = 0; i < _workers.Length; i++)
        {
            PackWriter pack = new(backend, keys, () => _early is { IsEnded: false } early ? early.Packs : _packs, Counters, _time, _cancel.Token);
            _workers[i] = new SnapshotWorker(this, i, pack, new CompressionChoice(Queue, _workers.Length), keys.ChunkHashSeed, _time);
        }

        foreach (SnapshotWorker worker in _workers)
        {
            worker.Start();
        }
    }

    /// <summary>Faults with the <see cref="CheckpointerException"/> that killed the writer; never completes otherwise.</summary>
    public Task Failure => _failure.Task;

    public WriterProgress Progress => Counters.Read();

    /// <summary>The snapshot that is being made.</summary>
    public SnapshotTarget Target => _target;

    /// <summary>
    /// True (the start): a frozen workload waits for this writer, so chunks go raw as soon as blocks queue up, unless the store is the slower side.
    /// False: nobody waits, and only a nearly empty pool makes it skip compression.
    /// </summary>
    public bool Hurry
    {
        get => _hurry;
        set => _hurry = value;
    }

    /// <summary>What this snapshot takes from an earlier one.</summary>
    public ParentUse ParentUse => Parent.Use;

    /// <summary>The parent as it was when the intent stood: prune keeps everything that its map names.</summary>
    internal OpenedParent Parent { get; }

    internal WorkQueue Queue { get; }

    internal SmallWrites Small { get; }

    internal MapWriter Map { get; }

    internal WriterCounters Counters { get; }

    /// <summary>Thread-safe. Names are unique, 1 to <see cref="MaxFileName"/> characters, no control characters.</summary>
    public FileWriter OpenFile(string name, FileKind kind)
    {
        ArgumentNullException.ThrowIfNull(name);
        ThrowIfFailed();
        if (!FileNames.IsValid(name))
        {
            throw new ArgumentException("the name of a file has 1 to 255 characters without control characters", nameof(name));
        }

        if (kind is not (FileKind.Pages or FileKind.Bytes))
        {
            throw new ArgumentOutOfRangeException(nameof(kind));
        }

        if (_early is { IsEnded: false })
        {
            throw new InvalidOperationException("the early part of the snapshot has not ended");
        }

        if (_committing != 0)
        {
            throw new InvalidOperationException("the snapshot is being committed");
        }

        if (_files.Count >= FormatConstants.MaxFiles)
        {
            throw new RepositoryException(RepositoryCodes.LimitExceeded, $"the snapshot has more than {FormatConstants.MaxFiles} files");
        }

        Parent.Search?.Expect(name);
        FileWriter file = new(this, name, kind);
        return _files.TryAdd(name, file) ? file : throw new ArgumentException($"the file '{name}' was opened before", nameof(name));
    }

    /// <summary>While held, workers take no CPU from the dump; they go on by themselves when the pool runs low, and at a drain or commit.</summary>
    public void HoldWorkers(bool hold) => Queue.Hold(hold);

    /// <summary>Completes when everything appended before is sealed and durable in the store (still unreferenced until the commit).</summary>
    public Task DrainAsync(CancellationToken cancellationToken)
    {
        ThrowIfFailed();
        foreach (FileWriter file in _files.Values)
        {
            file.Flush();
        }

        Small.Flush();
        Task drained = Queue.DrainAsync();
        ThrowIfFailed();
        return drained.WaitAsync(cancellationToken);
    }

    internal void ThrowIfFailed()
    {
        ObjectDisposedException.ThrowIf(_ended && _error is null, this);
        if (_error is { } error)
        {
            throw error;
        }
    }

    /// <summary>Kills the writer; only the first call counts.</summary>
    internal void Fail(Exception e)
    {
        if (_ended)
        {
            // An abort cancels what runs: that is no failure.
            return;
        }

        CheckpointerException error = e switch
        {
            CheckpointerException known => known,
            OperationCanceledException => new OperationCancelledException("cancelled", "writing the snapshot was cancelled; nothing of it is visible", null, e),
            _ => new RepositoryException(RepositoryCodes.WriterFailed, $"the snapshot could not be written: {e.Message}; nothing of it is visible", "try again", e),
        };
        if (Interlocked.CompareExchange(ref _error, error, null) is not null)
        {
            return;
        }

        Log.WriterFailed(_logger, _target.Id.ToString(), error.Code, error);
        Stop(error);
        _failure.TrySetException(error);

        // Seen: nobody has to look at the task for the runtime not to report it as unobserved.
        _ = _failure.Task.Exception;
    }

    private void Stop(Exception reason)
    {
        _cancel.Cancel();
        Queue.Stop(reason);
        Map.Wake();
        Small.Wake();
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 2001, Level = LogLevel.Error, Message = "Writing snapshot {Snapshot} failed ({Code})")]
        public static partial void WriterFailed(ILogger logger, string snapshot, string code, Exception error);

        [LoggerMessage(EventId = 2003, Level = LogLevel.Warning, Message = "Snapshot {Snapshot}: the store failed at the commit; its intent stays, so prune keeps its packs for a day")]
        public static partial void IntentStays(ILogger logger, string snapshot);

        [LoggerMessage(EventId = 2002, Level = LogLevel.Warning, Message = "Snapshot {Snapshot}: a worker still waits for the store after {Seconds} s and is left behind")]
        public static partial void WorkerStuck(ILogger logger, string snapshot, double seconds);
    }
}
