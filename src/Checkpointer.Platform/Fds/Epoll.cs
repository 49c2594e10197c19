using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// Watches many fds from one thread. <see cref="Wake"/> and changes of the set may come from any thread;
/// <see cref="Wait"/> belongs to one. An fd must be removed before it is closed.
/// </summary>
public sealed unsafe class Epoll : IDisposable
{
    private const int ControlAdd = 1;
    private const int ControlDelete = 2;
    private const int ControlModify = 3;

    /// <summary>Events taken from the kernel by one call; more stay queued there.</summary>
    private const int MaxEventsPerWait = 64;

    /// <summary>The token of our own wake-up; so it is not available to callers.</summary>
    private const long WakeToken = long.MinValue;

    // struct epoll_event is packed on x86-64 only.
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EventSize = DataOffset + sizeof(long);

    private readonly SafeFileHandle _epoll;
    private readonly EventFd _wake;

    public Epoll()
    {
        _epoll = Libc.EpollCreate(Libc.OCloseOnExec);
        if (_epoll.IsInvalid)
        {
            throw Libc.Failure("epoll_create1");
        }

        _wake = new EventFd();
        Control(ControlAdd, _wake.Handle, EpollEvents.In, WakeToken);
    }

    /// <summary>Watches an fd; <paramref name="token"/> comes back with its events (any value but long.MinValue).</summary>
    public void Add(SafeHandle handle, EpollEvents events, long token) => Control(ControlAdd, handle, events, Checked(token));

    /// <summary>Changes what a watched fd is watched for.</summary>
    public void Modify(SafeHandle handle, EpollEvents events, long token) => Control(ControlModify, handle, events, Checked(token));

    /// <summary>Stops watching an fd.</summary>
    public void Remove(SafeHandle handle) => Control(ControlDelete, handle, EpollEvents.None, 0);

    /// <summary>
    /// Waits for events and answers how many were written. 0 means that the time is over, or a wake-up (also one
    /// that came late). Raises <see cref="OperationCanceledException"/> when the token is cancelled.
    /// </summary>
    public int Wait(Span<EpollEvent> events, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (events.IsEmpty)
        {
            throw new ArgumentException("There must be room for an event.", nameof(events));
        }

        cancellationToken.ThrowIfCancellationRequested();
        using CancellationTokenRegistration registration =
            cancellationToken.UnsafeRegister(static state => ((Epoll)state!).Wake(), this);
        Deadline deadline = Deadline.After(timeout);
        int capacity = Math.Min(events.Length, MaxEventsPerWait);
        byte* buffer = stackalloc byte[capacity * EventSize];
        int ready;
        do
        {
            ready = Libc.EpollWait(_epoll, buffer, capacity, deadline.PollMilliseconds);
        }
        while (ready < 0 && Libc.LastError == Errno.EINTR && !deadline.IsOver);

        if (ready < 0 && Libc.LastError != Errno.EINTR)
        {
            throw Libc.Failure("epoll_wait");
        }

        int count = Unpack(buffer, Math.Max(ready, 0), events);
        cancellationToken.ThrowIfCancellationRequested();
        return count;
    }

    /// <summary>Lets the <see cref="Wait"/> under way, or else the next one, return at once. Ignored after Dispose.</summary>
    public void Wake()
    {
        try
        {
            _wake.Signal();
        }
        catch (ObjectDisposedException)
        {
            // A producer may wake a loop that has just ended: nobody is left to be woken.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _epoll.Dispose();
        _wake.Dispose();
    }

    private static long Checked(long token) =>
        token != WakeToken ? token : throw new ArgumentOutOfRangeException(nameof(token), "This token is reserved.");

    private int Unpack(byte* buffer, int ready, Span<EpollEvent> events)
    {
        int count = 0;
        for (int i = 0; i < ready; i++)
        {
            byte* item = buffer + (i * EventSize);
            EpollEvent happened = new((EpollEvents)(*(uint*)item), *(long*)(item + DataOffset));
            if (happened.Token == WakeToken)
            {
                _wake.TryDrain();
            }
            else
            {
                events[count++] = happened;
            }
        }

        return count;
    }

    private void Control(int operation, SafeHandle handle, EpollEvents events, long token)
    {
        byte* item = stackalloc byte[16];
        *(uint*)item = (uint)events;
        *(long*)(item + DataOffset) = token;
        if (Libc.EpollControl(_epoll, operation, handle, item) != 0)
        {
            throw Libc.Failure("epoll_ctl");
        }
    }
}
