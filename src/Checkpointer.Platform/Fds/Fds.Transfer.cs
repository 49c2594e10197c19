using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

public static unsafe partial class Fds
{
    /// <summary>What TryRead and TryWrite answer when a non-blocking fd has nothing to give or take now.</summary>
    public const int WouldBlock = -1;

    /// <summary>Reads what is there, at most the buffer; blocks on a blocking fd. 0 is the end of the stream.</summary>
    public static int Read(SafeFileHandle handle, Span<byte> buffer)
    {
        int count = TryRead(handle, buffer);
        return count != WouldBlock ? count : throw PlatformException.FromErrno("read", Errno.EAGAIN);
    }

    /// <summary>As <see cref="Read"/>, but answers <see cref="WouldBlock"/> when a non-blocking fd is empty.</summary>
    public static int TryRead(SafeFileHandle handle, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            while (true)
            {
                nint count = Libc.Read(handle, start, (nuint)buffer.Length);
                if (count >= 0)
                {
                    return (int)count;
                }

                switch (Libc.LastError)
                {
                    case Errno.EINTR: continue;
                    case Errno.EAGAIN: return WouldBlock;
                    default: throw Libc.Failure("read");
                }
            }
        }
    }

    /// <summary>Writes some of the bytes, at least one; blocks on a blocking fd. A closed reader is EPIPE.</summary>
    public static int Write(SafeFileHandle handle, ReadOnlySpan<byte> bytes)
    {
        int count = TryWrite(handle, bytes);
        return count != WouldBlock ? count : throw PlatformException.FromErrno("write", Errno.EAGAIN);
    }

    /// <summary>As <see cref="Write"/>, but answers <see cref="WouldBlock"/> when a non-blocking fd is full.</summary>
    public static int TryWrite(SafeFileHandle handle, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            while (true)
            {
                nint count = Libc.Write(handle, start, (nuint)bytes.Length);
                if (count >= 0)
                {
                    return (int)count;
                }

                switch (Libc.LastError)
                {
                    case Errno.EINTR: continue;
                    case Errno.EAGAIN: return WouldBlock;
                    default: throw Libc.Failure("write");
                }
            }
        }
    }

    /// <summary>Writes all of the bytes to a blocking fd.</summary>
    public static void WriteAll(SafeFileHandle handle, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[Write(handle, bytes)..];
        }
    }

    /// <summary>Bytes that can be read without waiting (pipe, socket, tty).</summary>
    public static int BytesAvailable(SafeHandle handle)
    {
        int count = 0;
        if (Libc.Syscall(SyscallNumbers.Ioctl, handle, Libc.IoctlBytesAvailable, (nint)(&count), 0) < 0)
        {
            throw Libc.Failure("ioctl(FIONREAD)");
        }

        return count;
    }

    /// <summary>Waits until a read would not block (data, end of stream or error). False when the time is over.</summary>
    public static bool WaitReadable(SafeHandle handle, TimeSpan timeout, CancellationToken cancellationToken) =>
        Readiness.Wait(handle, Libc.PollIn, Deadline.After(timeout), cancellationToken);

    /// <summary>Waits until a write would not block (room, closed reader or error). False when the time is over.</summary>
    public static bool WaitWritable(SafeHandle handle, TimeSpan timeout, CancellationToken cancellationToken) =>
        Readiness.Wait(handle, Libc.PollOut, Deadline.After(timeout), cancellationToken);
}
