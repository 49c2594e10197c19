using System.Text.Json;

namespace Checkpointer.Node;

/// <summary>What one operation does once it is admitted: the engine's call, its typed result already as JSON.</summary>
internal delegate Task<OperationYield> OperationWork(string id, IProgress<OperationProgress> progress, CancellationToken cancellationToken);

/// <summary>What came of an operation that succeeded: the result for callers, and figures for metrics and log.</summary>
internal sealed record OperationYield(JsonElement Result, OperationFigures Figures);

/// <summary>Figures of a finished operation. Times in milliseconds.</summary>
internal sealed record OperationFigures(
    IReadOnlyDictionary<string, double> Timings,
    long BytesCaptured = 0,
    long BytesStored = 0,
    double? FrozenMs = null,
    string? Snapshot = null);

/// <summary>
/// One operation: its state, and the waking of those who watch it. Thread-safe. Watchers read snapshots of the state and wait for
/// the next change, so a slow one costs nothing and never holds the operation up.
/// </summary>
internal sealed class Operation : IProgress<OperationProgress>, IDisposable
{
    /// <summary>Phases that are kept. An operation has about eight; the bound only stops a runaway.</summary>
    private const int MaxPhases = 64;

    private static readonly OperationProgress NoProgress = new() { Phase = OperationPhases.Queued };

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly long _startTimestamp;
    private readonly CancellationTokenSource _cancellation = new();
    private OperationResource _state;
    private TaskCompletionSource _changed = NewSignal();

    public Operation(string id, string kind, string subject, long memoryBytes, OperationWork work, TimeProvider time)
    {
        (Id, Kind, MemoryBytes, Work, _time) = (id, kind, memoryBytes, work, time);
        _startTimestamp = time.GetTimestamp();
        _state = new OperationResource
        {
            Id = id,
            Kind = kind,
            Subject = subject,
            Phase = OperationPhases.Queued,
            Progress = NoProgress,
            Started = time.GetUtcNow(),
            Phases = [new PhaseStart(OperationPhases.Queued, 0)],
        };
    }

    private Operation(OperationResource past, TimeProvider time)
        : this(past.Id, past.Kind, past.Subject, 0, NotAgain, time)
    {
        _state = past;
    }

    public string Id { get; }

    public string Kind { get; }

    public long MemoryBytes { get; }

    public OperationWork Work { get; }

    /// <summary>Cancelled when somebody asks for it.</summary>
    public CancellationToken Cancellation => _cancellation.Token;

    /// <summary>One of an earlier service, over or interrupted.</summary>
    public static Operation Past(OperationResource past, TimeProvider time) => new(past, time);

    /// <summary>The state now, and a task that completes with the next change.</summary>
    public (OperationResource State, Task Changed) Observe()
    {
        lock (_gate)
        {
            return (_state, _changed.Task);
        }
    }

    public OperationResource State => Observe().State;

    /// <summary>Completes when the operation is over.</summary>
    public async Task<OperationResource> WaitAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var (state, changed) = Observe();
            if (state.IsOver)
            {
                return state;
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public void SetQueuePosition(int position) => Change(s => s with { QueuePosition = position });

    public void Admit()
    {
        Change(s => EnterPhase(s, OperationPhases.Starting) with { QueuePosition = null, Admitted = _time.GetUtcNow() });
    }

    /// <summary>The engine's report; synchronous, so that order is kept.</summary>
    public void Report(OperationProgress value)
    {
        Change(s => (value.Phase == s.Phase ? s : EnterPhase(s, value.Phase)) with { Progress = value });
    }

    /// <summary>Asks for cancellation. False when it is over already.</summary>
    public bool Cancel()
    {
        if (!Change(s => s with { CancelRequested = true }))
        {
            return false;
        }

        try
        {
            // Callbacks of the engine run on a pool thread, not on the request's.
            _ = _cancellation.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // It ended between the two lines, and with that everything is said.
            return false;
        }

        return true;
    }

    /// <summary>Ends it well. <paramref name="record"/> gets the final state before anybody else can see it.</summary>
    public void Succeed(OperationYield yield, Action<OperationResource, OperationFigures?> record)
    {
        Finish(s => s with { Outcome = OperationOutcomes.Succeeded, Result = yield.Result }, s => record(s, yield.Figures));
    }

    /// <summary>Ends it otherwise; <paramref name="record"/> as in <see cref="Succeed"/>.</summary>
    public void Fail(ErrorReport error, bool cancelled, Action<OperationResource, OperationFigures?> record)
    {
        var outcome = cancelled ? OperationOutcomes.Cancelled : OperationOutcomes.Failed;
        Finish(s => s with { Outcome = outcome, Error = error }, s => record(s, null));
    }

    /// <summary>
    /// Ends one of an earlier service by what recovery made of it; also once more, where an earlier recovery could not end it.
    /// False for one that ended by itself.
    /// </summary>
    public bool Interrupt(RecoveredOperation? found, Action<OperationResource> record) => Change(
        s => s.Outcome is null or OperationOutcomes.Interrupted,
        s =>
        {
            var final = s with
            {
                Phase = OperationPhases.Done,
                Outcome = OperationOutcomes.Interrupted,
                Error = Interruption.Error(s, found),
                Recovery = found,
                Finished = _time.GetUtcNow(),
                QueuePosition = null,
            };
            record(final);
            return final;
        });

    public void Dispose() => _cancellation.Dispose();

    private static Task<OperationYield> NotAgain(string id, IProgress<OperationProgress> progress, CancellationToken cancellationToken) =>
        throw new InvalidOperationException($"operation {id} is over");

    private void Finish(Func<OperationResource, OperationResource> change, Action<OperationResource> record)
    {
        Change(s =>
        {
            // The engine may have named the last phase itself already.
            var ended = s.Phase == OperationPhases.Done ? s : EnterPhase(s, OperationPhases.Done);
            var final = change(ended) with { Finished = _time.GetUtcNow(), QueuePosition = null };
            record(final);
            return final;
        });
    }

    private OperationResource EnterPhase(OperationResource state, string phase)
    {
        var at = _time.GetElapsedTime(_startTimestamp).TotalMilliseconds;
        var phases = state.Phases.Count < MaxPhases ? [.. state.Phases, new PhaseStart(phase, Math.Round(at, 3))] : state.Phases;
        return state with { Phase = phase, Phases = phases };
    }

    // What comes after the end (a late report, a second cancel) changes nothing.
    private bool Change(Func<OperationResource, OperationResource> change) => Change(static s => !s.IsOver, change);

    private bool Change(Func<OperationResource, bool> may, Func<OperationResource, OperationResource> change)
    {
        TaskCompletionSource signal;
        lock (_gate)
        {
            if (!may(_state))
            {
                return false;
            }

            _state = change(_state);
            signal = _changed;
            _changed = NewSignal();
        }

        signal.SetResult();
        return true;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
