using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>Gives a file that is written back its owner, permissions and times, through its descriptor.</summary>
public static partial class FileOwnership
{
    private const int EmptyPath = 0x1000; // AT_EMPTY_PATH
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Sets owner, then mode (a change of owner clears set-id bits), then both times.</summary>
    /// <param name="file">A file open for writing.</param>
    /// <param name="uid">Its owner.</param>
    /// <param name="gid">Its group.</param>
    /// <param name="mode">Permission bits, at most 0777.</param>
    /// <param name="modifiedNanoseconds">Nanoseconds since 1970.</param>
    /// <exception cref="PlatformException">The kernel refused.</exception>
    public static void Set(SafeFileHandle file, uint uid, uint gid, int mode, long modifiedNanoseconds)
    {
        SetOwner(file, uid, gid);
        File.SetUnixFileMode(file, (UnixFileMode)(mode & 0x1ff));
        var time = new TimeSpec(modifiedNanoseconds / NanosecondsPerSecond, modifiedNanoseconds % NanosecondsPerSecond);
        Check("futimens", SetTimes(file, [time, time]));
    }

    /// <summary>Sets owner and group alone.</summary>
    /// <exception cref="PlatformException">The kernel refused.</exception>
    public static void SetOwner(SafeFileHandle file, uint uid, uint gid) => Check("fchownat", ChangeOwnerAt(file, "", uid, gid, EmptyPath));

    private static void Check(string call, int result)
    {
        if (result != 0)
        {
            throw PlatformException.FromErrno(call, Marshal.GetLastPInvokeError());
        }
    }

    // fchownat with an empty path, because it also takes descriptors that were opened as names only (O_PATH).
    [LibraryImport("libc", EntryPoint = "fchownat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwnerAt(SafeFileHandle file, string path, uint uid, uint gid, int flags);

    [LibraryImport("libc", EntryPoint = "futimens", SetLastError = true)]
    private static partial int SetTimes(SafeFileHandle file, TimeSpec[] times);

    // struct timespec on 64-bit Linux.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct TimeSpec(long seconds, long nanoseconds)
    {
        private readonly long _seconds = seconds;
        private readonly long _nanoseconds = nanoseconds;
    }
}
