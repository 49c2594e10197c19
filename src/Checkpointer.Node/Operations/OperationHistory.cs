namespace Checkpointer.Node;

/// <summary>
/// The operations that the service knows: all that are not over, and the last ones that are, also those of its earlier lives, which it
/// may not have lived to finish. Thread-safe.
/// </summary>
internal sealed class OperationHistory
{
    /// <summary>Finished operations that are kept: about 2 KiB each. Older ones are in the log.</summary>
    public const int MaxFinished = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Operation> _byId = new(StringComparer.Ordinal);
    private readonly LinkedList<Operation> _inOrder = [];
    private readonly OperationStore _store;

    public OperationHistory(OperationStore store, TimeProvider time)
    {
        _store = store;
        foreach (var past in store.Load(MaxFinished))
        {
            Add(Operation.Past(past, time));
        }
    }

    public void Add(Operation operation)
    {
        lock (_gate)
        {
            _byId.Add(operation.Id, operation);
            _inOrder.AddLast(operation);
        }
    }

    /// <exception cref="UsageException">Code <c>operation-not-found</c>.</exception>
    public Operation Get(string id)
    {
        lock (_gate)
        {
            if (_byId.TryGetValue(id, out var operation))
            {
                return operation;
            }
        }

        throw new UsageException(
            "operation-not-found",
            OperationId.IsValid(id) ? $"There is no operation {id} here." : "There is no such operation here.",
            $"'checkpointer operations' lists them; the last {MaxFinished} finished ones are kept.");
    }

    public IReadOnlyList<OperationResource> List()
    {
        Operation[] all;
        lock (_gate)
        {
            all = [.. _inOrder];
        }

        return [.. all.Select(o => o.State)];
    }

    /// <summary>
    /// Writes an operation down: as it is taken in, for a service that does not live to finish it, and as it ended, before anybody can
    /// see that it is over.
    /// </summary>
    public void Save(OperationResource operation) => _store.Save(operation);

    /// <summary>Removes what was written down of an operation that was not taken in after all.</summary>
    public void Forget(string id) => _store.Forget(id);

    /// <summary>Ends what earlier services left unfinished. To be called once, before anything new is taken in.</summary>
    public void Recovered(RecoveryReport report)
    {
        Operation[] all;
        lock (_gate)
        {
            all = [.. _inOrder];
        }

        var found = report.Operations.ToDictionary(static o => o.Operation, StringComparer.Ordinal);
        foreach (var operation in all)
        {
            var recovered = found.GetValueOrDefault(operation.Id);
            if (recovered is not null || !operation.State.IsOver)
            {
                operation.Interrupt(recovered, Save);
            }
        }
    }

    /// <summary>Forgets the oldest finished operations beyond the bound.</summary>
    public void Trim()
    {
        List<string> forgotten = [];
        lock (_gate)
        {
            var finished = _inOrder.Count(o => o.State.IsOver);
            for (var node = _inOrder.First; node is not null && finished > MaxFinished;)
            {
                var next = node.Next;
                if (node.Value.State.IsOver)
                {
                    forgotten.Add(node.Value.Id);
                    _byId.Remove(node.Value.Id);
                    _inOrder.Remove(node);
                    finished--;
                }

                node = next;
            }
        }

        forgotten.ForEach(_store.Forget);
    }
}
