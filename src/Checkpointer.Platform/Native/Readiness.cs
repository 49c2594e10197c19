using System.Runtime.InteropServices;

namespace Checkpointer.Platform;

/// <summary>Waits for one fd with a deadline and a cancellation token, whether or not the fd is non-blocking.</summary>
internal static unsafe class Readiness
{
    /// <summary>True when <paramref name="events"/>, an error or a hang-up is there; false when the time is over.</summary>
    internal static bool Wait(SafeHandle handle, short events, Deadline deadline, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using EventFd? wake = cancellationToken.CanBeCanceled ? new EventFd() : null;

        // Disposed before the event fd (reverse order), and that waits for a callback under way.
        using CancellationTokenRegistration registration =
            cancellationToken.UnsafeRegister(static state => ((EventFd?)state)?.Signal(), wake);
        bool added = false;
        handle.DangerousAddRef(ref added);
        try
        {
            Libc.PollFd* fds = stackalloc Libc.PollFd[2];
            fds[0] = new Libc.PollFd { Fd = (int)handle.DangerousGetHandle(), Events = events };
            fds[1] = new Libc.PollFd { Fd = wake is null ? -1 : (int)wake.Handle.DangerousGetHandle(), Events = Libc.PollIn };
            while (true)
            {
                int ready = Libc.Poll(fds, 2, deadline.PollMilliseconds);
                if (ready < 0 && Libc.LastError != Errno.EINTR)
                {
                    throw Libc.Failure("poll");
                }

                cancellationToken.ThrowIfCancellationRequested();
                if (ready > 0 && fds[0].ReturnedEvents != 0)
                {
                    return true;
                }

                if (deadline.IsOver)
                {
                    return false;
                }
            }
        }
        finally
        {
            handle.DangerousRelease();
        }
    }
}
