using System.Diagnostics.Metrics;

namespace Checkpointer.Node;

/// <summary>The service's meters. Names are stable; units are in the names as Prometheus wants them.</summary>
internal sealed class NodeMetrics : IDisposable
{
    public const string MeterName = "Checkpointer.Node";
    public const string FrozenInstrument = "checkpointer.frozen";
    public const string DurationInstrument = "checkpointer.operation.duration";

    /// <summary>Seconds: from a small process on tmpfs up to the default limit of a freeze (5 minutes).</summary>
    public static readonly double[] FrozenBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

    /// <summary>Seconds: from a small process up to an hour for a large one over a slow store.</summary>
    public static readonly double[] DurationBuckets = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600];

    private readonly Meter _meter;
    private readonly Counter<long> _started;
    private readonly Counter<long> _finished;
    private readonly Counter<long> _captured;
    private readonly Counter<long> _stored;
    private readonly Histogram<double> _frozen;
    private readonly Histogram<double> _duration;

    public NodeMetrics(IMeterFactory factory)
    {
        _meter = factory.Create(MeterName);
        _started = _meter.CreateCounter<long>("checkpointer.operations.started", null, "Operations that left the queue.");
        _finished = _meter.CreateCounter<long>("checkpointer.operations.finished", null, "Operations that are over, by outcome.");
        _captured = _meter.CreateCounter<long>(
            "checkpointer.captured", "By", "Bytes that checkpoints captured, before elision and compression.");
        _stored = _meter.CreateCounter<long>("checkpointer.stored", "By", "Bytes that checkpoints added to repositories.");
        _frozen = _meter.CreateHistogram<double>(FrozenInstrument, "s", "How long workloads stood still for a checkpoint.");
        _duration = _meter.CreateHistogram<double>(DurationInstrument, "s", "How long operations took from their acceptance on.");
    }

    /// <summary>Lets the gauges read a scheduler.</summary>
    public void Observe(OperationScheduler scheduler)
    {
        var budget = scheduler.Budget;
        _meter.CreateObservableGauge(
            "checkpointer.operations.queued", () => scheduler.Queued, null, "Operations that wait for the node's budget.");
        _meter.CreateObservableGauge("checkpointer.operations.running", () => budget.Running, null, "Operations that run.");
        _meter.CreateObservableGauge(
            "checkpointer.budget.used", () => budget.BytesInUse, "By", "Bytes of buffers that running operations have taken.");
        _meter.CreateObservableGauge(
            "checkpointer.budget.limit", () => budget.TotalBytes, "By", "Bytes of buffers for all operations together.");
    }

    public void Started(string kind) => _started.Add(1, Kind(kind));

    public void Finished(OperationResource state, OperationFigures? figures)
    {
        _finished.Add(1, Kind(state.Kind), Outcome(state.Outcome!));
        if (state.Finished is { } finished)
        {
            _duration.Record((finished - state.Started).TotalSeconds, Kind(state.Kind));
        }

        if (figures is null || state.Kind != OperationKinds.Checkpoint)
        {
            return;
        }

        _captured.Add(figures.BytesCaptured);
        _stored.Add(figures.BytesStored);
        if (figures.FrozenMs is { } frozen)
        {
            _frozen.Record(frozen / 1000);
        }
    }

    /// <summary>
    /// A counter that appears with its first failure cannot be alerted on: every series stands there once the exporter listens.
    /// </summary>
    public void ShowZeroes()
    {
        foreach (var kind in (string[])[OperationKinds.Checkpoint, OperationKinds.Restore])
        {
            _started.Add(0, Kind(kind));
            foreach (var outcome in (string[])[OperationOutcomes.Succeeded, OperationOutcomes.Failed, OperationOutcomes.Cancelled])
            {
                _finished.Add(0, Kind(kind), Outcome(outcome));
            }
        }

        _captured.Add(0);
        _stored.Add(0);
    }

    public void Dispose() => _meter.Dispose();

    private static KeyValuePair<string, object?> Kind(string kind) => new("kind", kind);

    private static KeyValuePair<string, object?> Outcome(string outcome) => new("outcome", outcome);
}
