using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>Positioned reads and writes of a regular file, and its holes; without the bookkeeping that RandomAccess does for each handle.</summary>
public static unsafe class Contents
{
    /// <summary>Reads until the buffer is full or the file ends; the answer is what was read.</summary>
    public static int Read(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        int filled = 0;
        fixed (byte* start = buffer)
        {
            while (filled < buffer.Length)
            {
                nint count = Libc.ReadAt(file, start + filled, (nuint)(buffer.Length - filled), offset + filled);
                if (count == 0)
                {
                    break;
                }

                if (count > 0)
                {
                    filled += (int)count;
                }
                else if (Libc.LastError != Errno.EINTR)
                {
                    throw Libc.Failure("pread");
                }
            }
        }

        return filled;
    }

    /// <summary>Writes all of the bytes.</summary>
    public static void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        fixed (byte* start = bytes)
        {
            int written = 0;
            while (written < bytes.Length)
            {
                nint count = Libc.WriteAt(file, start + written, (nuint)(bytes.Length - written), offset + written);
                if (count >= 0)
                {
                    written += (int)count;
                }
                else if (Libc.LastError != Errno.EINTR)
                {
                    throw Libc.Failure("pwrite");
                }
            }
        }
    }

    /// <summary>Gives the file that length: what is new is a hole.</summary>
    public static void SetLength(SafeFileHandle file, long length)
    {
        while (Libc.Truncate(file, length) != 0)
        {
            if (Libc.LastError != Errno.EINTR)
            {
                throw Libc.Failure("ftruncate");
            }
        }
    }

    /// <summary>
    /// The next stretch that is no hole, at or behind <paramref name="from"/>; false when only holes follow. A file system that knows no
    /// holes gives one stretch up to <paramref name="size"/>.
    /// </summary>
    public static bool NextData(SafeFileHandle file, long from, long size, out long start, out long end)
    {
        end = size;
        start = Libc.Seek(file, from, Libc.SeekData);
        if (start < 0)
        {
            int errno = Libc.LastError;
            start = from;
            return errno switch
            {
                Errno.ENXIO => false,
                Errno.EINVAL or Errno.ESPIPE or Errno.EOPNOTSUPP => from < size,
                _ => throw PlatformException.FromErrno("lseek(SEEK_DATA)", errno),
            };
        }

        long hole = Libc.Seek(file, start, Libc.SeekHole);
        if (hole >= 0)
        {
            end = hole;
        }
        else if (Libc.LastError == Errno.ENXIO)
        {
            // Cut off since: nothing is there any more.
            return false;
        }
        else
        {
            throw Libc.Failure("lseek(SEEK_HOLE)");
        }

        return end > start;
    }
}
