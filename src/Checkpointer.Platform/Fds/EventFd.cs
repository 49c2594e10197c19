using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>A wake-up that can be polled together with other fds. Thread-safe; signals coalesce.</summary>
public sealed class EventFd : IDisposable
{
    private const int CounterBytes = sizeof(ulong);

    public EventFd()
    {
        Handle = Libc.EventFd(0, Libc.OCloseOnExec | Libc.ONonBlock);
        if (Handle.IsInvalid)
        {
            throw Libc.Failure("eventfd");
        }
    }

    /// <summary>Readable while a signal is pending. Non-blocking.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Leaves a signal. A full counter (2^64 signals) counts as one that is pending.</summary>
    public void Signal()
    {
        ReadOnlySpan<ulong> one = [1];
        Fds.TryWrite(Handle, MemoryMarshal.AsBytes(one));
    }

    /// <summary>Takes all pending signals; false when there was none.</summary>
    public bool TryDrain()
    {
        Span<byte> counter = stackalloc byte[CounterBytes];
        return Fds.TryRead(Handle, counter) == CounterBytes;
    }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();
}
