using Checkpointer.Platform;

namespace Checkpointer.Repository;

/// <summary>What a worker is to do next.</summary>
internal enum WorkKind
{
    Item,

    /// <summary>Everything up to a drain was taken: commit the open pack and report it.</summary>
    Drain,
    Stop,
}

/// <summary>
/// Work for the workers, first in first out, one lock per block of a mebibyte. Not bounded by itself: the pool bounds what can be in it.
/// A drain is a mark in the queue; each worker passes it exactly once, with all its work before the mark done.
/// </summary>
internal sealed class WorkQueue(BlockPool pool, int workers)
{
    /// <summary>While held, workers look this often whether the pool ran low, because renting a block tells nobody.</summary>
    private static readonly TimeSpan HeldPoll = TimeSpan.FromMilliseconds(5);

    /// <summary>The pool is low when at most one block in this many is free.</summary>
    private const int LowShare = 8;

    private readonly object _gate = new();
    private readonly Queue<WorkItem> _items = new();
    private readonly long[] _seen = new long[workers];
    private readonly List<(long Drain, TaskCompletionSource Done)> _waiting = [];
    private long _enqueued;
    private long _drain;
    private long _drainLimit;
    private bool _held;
    private bool _smallWait;
    private bool _stopped;

    /// <summary>Items that no worker has taken yet.</summary>
    public int Backlog
    {
        get
        {
            lock (_gate)
            {
                return _items.Count;
            }
        }
    }

    public bool PoolLow => (long)pool.Free * LowShare <= pool.Count;

    public void Enqueue(WorkItem item)
    {
        lock (_gate)
        {
            if (!_stopped)
            {
                item.Number = ++_enqueued;
                _items.Enqueue(item);
                Monitor.Pulse(_gate);
                return;
            }
        }

        item.Dispose();
    }

    public void Hold(bool hold)
    {
        lock (_gate)
        {
            _held = hold;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>While somebody waits for small buffers, holding would be a deadlock.</summary>
    public void SmallWait(bool waiting)
    {
        lock (_gate)
        {
            _smallWait = waiting;
            Monitor.PulseAll(_gate);
        }
    }

    public Task DrainAsync()
    {
        lock (_gate)
        {
            TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _drain++;
            _drainLimit = _enqueued;
            _waiting.Add((_drain, done));
            Monitor.PulseAll(_gate);
            return done.Task;
        }
    }

    /// <summary>Blocks until there is something to do. A <see cref="WorkKind.Drain"/> must be answered by <see cref="Drained"/>.</summary>
    public WorkKind Take(int worker, out WorkItem? item, out long drain)
    {
        lock (_gate)
        {
            while (true)
            {
                item = null;
                drain = _drain;
                if (_stopped)
                {
                    return WorkKind.Stop;
                }

                bool draining = _seen[worker] < _drain;
                bool any = _items.TryPeek(out WorkItem? next);
                if (draining && (!any || next!.Number > _drainLimit))
                {
                    return WorkKind.Drain;
                }

                bool held = _held && !draining && !_smallWait && !PoolLow;
                if (any && !held)
                {
                    item = _items.Dequeue();
                    return WorkKind.Item;
                }

                if (any)
                {
                    Monitor.Wait(_gate, HeldPoll);
                }
                else
                {
                    Monitor.Wait(_gate);
                }
            }
        }
    }

    public void Drained(int worker, long drain)
    {
        lock (_gate)
        {
            _seen[worker] = drain;
            long all = _seen.Min();
            foreach ((long wanted, TaskCompletionSource done) in _waiting)
            {
                if (wanted <= all)
                {
                    done.TrySetResult();
                }
            }

            _waiting.RemoveAll(w => w.Drain <= all);
        }
    }

    /// <summary>Workers stop at their next take; what is queued is disposed; waiting drains fail with <paramref name="failure"/>.</summary>
    public void Stop(Exception failure)
    {
        WorkItem[] left;
        lock (_gate)
        {
            _stopped = true;
            left = [.. _items];
            _items.Clear();
            foreach ((_, TaskCompletionSource done) in _waiting)
            {
                done.TrySetException(failure);
            }

            _waiting.Clear();
            Monitor.PulseAll(_gate);
        }

        foreach (WorkItem item in left)
        {
            item.Dispose();
        }
    }
}
