using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

public static unsafe partial class Fds
{
    /// <summary>The pipe's capacity in bytes.</summary>
    public static int GetPipeSize(SafeFileHandle pipe) => Control(pipe, Libc.FGetPipeSize, 0, "fcntl(F_GETPIPE_SZ)");

    /// <summary>
    /// Asks for a capacity in bytes and answers the one that the pipe has afterwards. Where the kernel's limits
    /// (pipe-max-size, pipe-user-pages-soft) forbid it, half is asked for, and so on down to the present capacity.
    /// </summary>
    public static int SetPipeSize(SafeFileHandle pipe, int wanted)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(wanted);
        int present = GetPipeSize(pipe);
        for (int size = wanted; ; size /= 2)
        {
            if (wanted > present && size <= present)
            {
                return present;
            }

            int granted = (int)Libc.Syscall(SyscallNumbers.Fcntl, pipe, Libc.FSetPipeSize, size, 0);
            if (granted >= 0)
            {
                return granted;
            }

            switch (Libc.LastError)
            {
                case Errno.EPERM when size > 1: break;
                case Errno.EBUSY: return present; // it holds more bytes than it was to shrink to
                default: throw Libc.Failure("fcntl(F_SETPIPE_SZ)");
            }
        }
    }
}
