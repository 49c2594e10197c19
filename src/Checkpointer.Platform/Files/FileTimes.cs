using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>A file's modification time as the file system itself keeps it: on a share, by the clock of its server.</summary>
public static partial class FileTimes
{
    /// <summary>Sets both times of an open file to the file system's present time, and answers it.</summary>
    /// <exception cref="PlatformException">The kernel or the server refuses.</exception>
    public static DateTimeOffset Touch(SafeFileHandle file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (SetTimesToNow(file, 0) != 0)
        {
            throw PlatformException.FromErrno("futimens", Marshal.GetLastPInvokeError());
        }

        return Modified(file);
    }

    /// <summary>When an open file was last written or touched.</summary>
    public static DateTimeOffset Modified(SafeFileHandle file) => new(File.GetLastWriteTimeUtc(file));

    // A null pointer asks for "now" by whoever keeps the file, instead of by the clock of this machine.
    [LibraryImport("libc", EntryPoint = "futimens", SetLastError = true)]
    private static partial int SetTimesToNow(SafeFileHandle file, nint noTimes);
}
