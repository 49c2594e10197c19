using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Node;

/// <summary>
/// Runs operations within the node's budget: first come, first served, without overtaking, so that a large one is not starved by
/// small ones. One loop admits; it is what the watchdog probes. A waiting operation has touched nothing and can be cancelled.
/// </summary>
internal sealed class OperationScheduler : IAsyncDisposable
{
    /// <summary>Operations that may wait. A client that asks for more is out of control; each costs some KiB here.</summary>
    public const int MaxQueued = 256;

    private readonly Lock _gate = new();
    private readonly LinkedList<Operation> _queue = [];
    private readonly Dictionary<string, Operation> _running = new(StringComparer.Ordinal);
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly List<TaskCompletionSource> _probes = [];
    private readonly OperationHistory _history;
    private readonly NodeMetrics _metrics;
    private readonly ILogger<OperationScheduler> _logger;
    private readonly Task _loop;
    private TaskCompletionSource? _idle;
    private bool _stopping;

    public OperationScheduler(NodeBudget budget, OperationHistory history, NodeMetrics metrics, ILogger<OperationScheduler> logger)
    {
        (Budget, _history, _metrics, _logger) = (budget, history, metrics, logger);
        metrics.Observe(this);
        _loop = Task.Run(LoopAsync);
    }

    public NodeBudget Budget { get; }

    public int Queued
    {
        get
        {
            lock (_gate)
            {
                return _queue.Count;
            }
        }
    }

    /// <summary>Takes an operation in. Codes: <c>memory-over-budget</c> (2), <c>queue-full</c> and <c>service-stopping</c> (5).</summary>
    public void Submit(Operation operation)
    {
        if (operation.MemoryBytes > Budget.TotalBytes)
        {
            throw new UsageException(
                "memory-over-budget",
                $"The operation wants {ByteSize.Format(operation.MemoryBytes)} of buffers; "
                    + $"all operations of this node have {ByteSize.Format(Budget.TotalBytes)} together.",
                "Ask for less with --memory, or raise 'memory' in the service's configuration.");
        }

        // Before it can run, and end: the last word stays.
        _history.Save(operation.State);
        try
        {
            Enqueue(operation);
        }
        catch
        {
            _history.Forget(operation.Id);
            throw;
        }

        NodeLog.OperationAccepted(_logger, operation.Id, operation.Kind, operation.State.Subject);
        Wake();
    }

    /// <summary>Asks to cancel an operation; false when it is over already.</summary>
    public bool Cancel(Operation operation)
    {
        var asked = operation.Cancel();
        if (asked)
        {
            NodeLog.OperationCancelRequested(_logger, operation.Id);
            Wake();
        }

        return asked;
    }

    /// <summary>Completes when the loop has gone round: proof that it lives.</summary>
    public Task ProbeAsync(CancellationToken cancellationToken)
    {
        var probe = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _probes.Add(probe);
        }

        Wake();
        return probe.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Takes nothing new from here on and cancels what waits. The task completes when nothing runs any more.</summary>
    public Task StopAcceptingAsync()
    {
        Operation[] waiting;
        Task idle;
        lock (_gate)
        {
            _stopping = true;
            waiting = [.. _queue];
            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            idle = _idle.Task;
        }

        foreach (var operation in waiting)
        {
            operation.Cancel();
        }

        // Not the loop's business alone: a stop must end even when the loop is dead.
        SignalWhenIdle();
        Wake();
        return idle;
    }

    /// <summary>Asks every running operation to roll back, and says which.</summary>
    public IReadOnlyList<string> CancelRunning()
    {
        Operation[] running;
        lock (_gate)
        {
            running = [.. _running.Values];
        }

        foreach (var operation in running)
        {
            operation.Cancel();
        }

        return [.. running.Select(o => o.Id)];
    }

    public async ValueTask DisposeAsync()
    {
        _wake.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
    }

    private void Enqueue(Operation operation)
    {
        lock (_gate)
        {
            if (_stopping)
            {
                throw new HostException(
                    "service-stopping",
                    "The service is stopping and takes no new operations.",
                    "Try again when it has been started again.");
            }

            if (_queue.Count >= MaxQueued)
            {
                throw new HostException(
                    "queue-full", $"{MaxQueued} operations are waiting already.", "Try again when some of them are over.");
            }

            _history.Add(operation);
            _queue.AddLast(operation);
            operation.SetQueuePosition(_queue.Count - 1);
        }
    }

    private void Wake() => _wake.Writer.TryWrite(true);

    private async Task LoopAsync()
    {
        await foreach (var _ in _wake.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            TaskCompletionSource[] probes;
            lock (_gate)
            {
                probes = [.. _probes];
                _probes.Clear();
            }

            DropCancelled();
            AdmitFromHead();
            SignalWhenIdle();
            foreach (var probe in probes)
            {
                probe.TrySetResult();
            }
        }
    }

    private void DropCancelled()
    {
        List<Operation> dropped = [];
        lock (_gate)
        {
            for (var node = _queue.First; node is not null;)
            {
                var next = node.Next;
                if (node.Value.Cancellation.IsCancellationRequested || node.Value.State.CancelRequested)
                {
                    _queue.Remove(node);
                    dropped.Add(node.Value);
                }

                node = next;
            }
        }

        foreach (var operation in dropped)
        {
            var error = new OperationCancelledException("cancelled", "Cancelled while it waited; nothing was touched.");
            operation.Fail(ErrorReport.From(error), cancelled: true, (state, figures) => Record(state, figures, error));
            _history.Trim();
        }
    }

    private void AdmitFromHead()
    {
        List<Operation> admitted = [];
        lock (_gate)
        {
            while (_queue.First is { } head && Budget.TryTake(head.Value.MemoryBytes))
            {
                _queue.RemoveFirst();
                _running.Add(head.Value.Id, head.Value);
                admitted.Add(head.Value);
            }

            var position = 0;
            foreach (var waiting in _queue)
            {
                waiting.SetQueuePosition(position++);
            }
        }

        foreach (var operation in admitted)
        {
            _ = Task.Run(() => RunAsync(operation));
        }
    }

    private async Task RunAsync(Operation operation)
    {
        operation.Admit();
        _history.Save(operation.State);
        _metrics.Started(operation.Kind);
        try
        {
            var yield = await operation.Work(operation.Id, operation, operation.Cancellation).ConfigureAwait(false);
            operation.Succeed(yield, (state, figures) => Record(state, figures, null));
        }
        catch (Exception e)
        {
            // Nothing is swallowed: whatever it is becomes the operation's error, its log record and its exit code.
            var cancelled = e is OperationCancelledException || (e is OperationCanceledException && operation.State.CancelRequested);
            operation.Fail(ErrorReport.From(e), cancelled, (state, figures) => Record(state, figures, e));
        }
        finally
        {
            lock (_gate)
            {
                _running.Remove(operation.Id);
            }

            Budget.Return(operation.MemoryBytes);
            _history.Trim();
            operation.Dispose();
            SignalWhenIdle();
            Wake();
        }
    }

    /// <summary>Whoever sees an operation as finished finds it in metrics and log.</summary>
    private void Record(OperationResource state, OperationFigures? figures, Exception? exception)
    {
        _history.Save(state);
        _metrics.Finished(state, figures);
        NodeLog.Finished(_logger, state, figures, exception);
    }

    private void SignalWhenIdle()
    {
        lock (_gate)
        {
            if (_idle is not null && _queue.Count == 0 && _running.Count == 0)
            {
                _idle.TrySetResult();
            }
        }
    }
}
