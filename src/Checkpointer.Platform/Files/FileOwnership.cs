using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>Gives a file that is written back its owner, permissions and times, through its descriptor.</summary>
public static partial class FileOwnership
{
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
        Check("fchown", ChangeOwner(file, uid, gid));
        File.SetUnixFileMode(file, (UnixFileMode)(mode & 0x1ff));
        var time = new TimeSpec(modifiedNanoseconds / NanosecondsPerSecond, modifiedNanoseconds % NanosecondsPerSecond);
        Check("futimens", SetTimes(file, [time, time]));
    }

    private static void Check(string call, int result)
    {
        if (result != 0)
        {
            throw PlatformException.FromErrno(call, Marshal.GetLastPInvokeError());
        }
    }

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int ChangeOwner(SafeFileHandle file, uint uid, uint gid);

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
