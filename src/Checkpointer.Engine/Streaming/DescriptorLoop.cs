using System.Collections.Concurrent;
using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Streaming;

/// <summary>Told by a <see cref="DescriptorLoop"/> that its descriptor has something, on the loop's thread.</summary>
internal interface IDescriptorHandler
{
    void OnEvents(EpollEvents events);
}

/// <summary>One thread that waits for many descriptors (epoll, level-triggered) and runs actions posted from other threads.</summary>
internal sealed class DescriptorLoop : IDisposable
{
    // Descriptors served per wait; more wait for the next round.
    private const int Batch = 64;

    // A safety net only: every change wakes the loop at once.
    private static readonly TimeSpan IdleWait = TimeSpan.FromSeconds(5);

    private readonly Epoll _epoll = new();
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly Dictionary<long, IDescriptorHandler> _handlers = [];
    private readonly Dictionary<IDescriptorHandler, long> _tokens = [];
    private readonly Lock _ending = new();
    private long _lastToken;
    private bool _disposed;
    private bool _stopping;
    private int _wakePending;

    /// <summary>Descriptors that are being watched.</summary>
    public int Watched => _handlers.Count;

    /// <summary>Any thread: runs the action on the loop's thread soon. Actions posted after the end are dropped.</summary>
    public void Post(Action action)
    {
        _posted.Enqueue(action);
        if (Interlocked.Exchange(ref _wakePending, 1) != 0)
        {
            return;
        }
        lock (_ending)
        {
            if (!_disposed)
            {
                _epoll.Wake();
            }
        }
    }

    /// <summary>Loop's thread, or before it runs.</summary>
    public void Watch(SafeFileHandle handle, IDescriptorHandler handler, EpollEvents events)
    {
        long token = ++_lastToken;
        _epoll.Add(handle, events, token);
        _handlers.Add(token, handler);
        _tokens.Add(handler, token);
    }

    /// <summary>Loop's thread. <see cref="EpollEvents.None"/> still reports errors and hang-ups.</summary>
    public void Change(SafeFileHandle handle, IDescriptorHandler handler, EpollEvents events) => _epoll.Modify(handle, events, _tokens[handler]);

    /// <summary>Loop's thread; before the descriptor is closed. An event that was already fetched is dropped.</summary>
    public void Forget(SafeFileHandle handle, IDescriptorHandler handler)
    {
        if (_tokens.Remove(handler, out long token))
        {
            _handlers.Remove(token);
            _epoll.Remove(handle);
        }
    }

    /// <summary>Loop's thread: <see cref="Run"/> returns after this round.</summary>
    public void Stop() => _stopping = true;

    /// <summary>Serves until <see cref="Stop"/>; OperationCanceledException, and whatever a handler throws.</summary>
    public void Run(CancellationToken cancellationToken)
    {
        EpollEvent[] events = new EpollEvent[Batch];
        while (!_stopping)
        {
            RunPosted();
            if (_stopping)
            {
                return;
            }
            int count = _epoll.Wait(events, IdleWait, cancellationToken);
            for (int i = 0; i < count && !_stopping; i++)
            {
                if (_handlers.TryGetValue(events[i].Token, out IDescriptorHandler? handler))
                {
                    handler.OnEvents(events[i].Events);
                }
            }
        }
    }

    public void Dispose()
    {
        lock (_ending)
        {
            _disposed = true;
            _epoll.Dispose();
        }
    }

    private void RunPosted()
    {
        // Reset first: an action queued from here on wakes again.
        Interlocked.Exchange(ref _wakePending, 0);
        while (!_stopping && _posted.TryDequeue(out Action? action))
        {
            action();
        }
    }
}
