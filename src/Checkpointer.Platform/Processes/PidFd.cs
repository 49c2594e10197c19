using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// A handle of one process that never comes to mean another one, also when its pid is used again. Opening by number
/// is the one moment where a pid is trusted: compare <see cref="ProcessIdentity"/>, or use its Open.
/// </summary>
public sealed class PidFd : IDisposable
{
    private PidFd(int pid, SafeFileHandle handle)
    {
        Pid = pid;
        Handle = handle;
    }

    /// <summary>The pid that it was opened by, in our pid namespace.</summary>
    public int Pid { get; }

    /// <summary>The pidfd; readable once the process has ended.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>True once the process has ended (also while it is a zombie).</summary>
    public bool HasExited => WaitExit(TimeSpan.Zero, CancellationToken.None);

    /// <summary>The process of that pid; null when there is none, or when the number is a thread's.</summary>
    public static PidFd? Open(int pid)
    {
        if (pid <= 0)
        {
            return null;
        }

        SafeFileHandle handle = Libc.SyscallOpen(SyscallNumbers.PidfdOpen, pid, 0, 0, 0);
        if (!handle.IsInvalid)
        {
            return new PidFd(pid, handle);
        }

        int errno = Libc.LastError;
        handle.Dispose();

        // The last two are the kernel's words, old and new, for a thread that leads no process.
        return errno is Errno.ESRCH or Errno.EINVAL or Errno.ENOENT
            ? null
            : throw PlatformException.FromErrno($"pidfd_open of {pid}", errno);
    }

    /// <summary>Sends a signal (0: none, just the check). False when the process is gone.</summary>
    public bool Signal(int signal)
    {
        if (Libc.Syscall(SyscallNumbers.PidfdSendSignal, Handle, signal, 0, 0) == 0)
        {
            return true;
        }

        return Libc.LastError == Errno.ESRCH ? false : throw Libc.Failure($"pidfd_send_signal {Signals.Name(signal)} to {Pid}");
    }

    /// <summary>Waits until the process has ended; false when the time is over. It need not be our child.</summary>
    public bool WaitExit(TimeSpan timeout, CancellationToken cancellationToken) =>
        Readiness.Wait(Handle, Libc.PollIn, Deadline.After(timeout), cancellationToken);

    /// <summary>
    /// A duplicate of a file descriptor of that process, with the same open file behind it. Needs ptrace rights.
    /// EBADF: it has no such fd; ESRCH: it is gone.
    /// </summary>
    public SafeFileHandle DuplicateFd(int fd)
    {
        SafeFileHandle copy = Libc.SyscallOpen(SyscallNumbers.PidfdGetFd, Handle, fd, 0, 0);
        if (!copy.IsInvalid)
        {
            return copy;
        }

        PlatformException failure = Libc.Failure($"pidfd_getfd {fd} of {Pid}");
        copy.Dispose();
        throw failure;
    }

    /// <summary>Closes the handle; the process is not concerned.</summary>
    public void Dispose() => Handle.Dispose();
}
