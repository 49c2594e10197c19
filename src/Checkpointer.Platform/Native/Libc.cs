using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>The C library: the one place of its imports. Callers read errno at once and loop on EINTR.</summary>
internal static partial class Libc
{
    private const string Library = "libc";

    internal static int LastError => Marshal.GetLastPInvokeError();

    /// <summary>The error of the call that just failed.</summary>
    internal static PlatformException Failure(string call) => PlatformException.FromErrno(call, LastError);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint Syscall(nint number, nint a, nint b, nint c, nint d, nint e);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint Syscall(nint number, SafeHandle fd, nint b, nint c, nint d);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial SafeFileHandle SyscallOpen(nint number, nint a, nint b, nint c, nint d);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial SafeFileHandle SyscallOpen(nint number, SafeHandle fd, nint b, nint c, nint d);

    [LibraryImport(Library, EntryPoint = "geteuid")]
    internal static partial uint GetEffectiveUid();

    [LibraryImport(Library, EntryPoint = "setns", SetLastError = true)]
    internal static partial int SetNamespace(SafeHandle fd, int kind);
}
