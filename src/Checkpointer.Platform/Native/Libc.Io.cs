using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

internal static unsafe partial class Libc
{
    internal const int OCreate = 0x40;
    internal const int OExclusive = 0x80;
    internal const int OTruncate = 0x200;
    internal const int OAppend = 0x400;
    internal const int ONonBlock = 0x800;
    internal const int OCloseOnExec = 0x80000;
    internal const int OPath = 0x200000;
    internal const int FGetFd = 1;
    internal const int FSetFd = 2;
    internal const int FGetFl = 3;
    internal const int FSetFl = 4;
    internal const int FdCloseOnExec = 1;
    internal const int FDupFdCloseOnExec = 1030;
    internal const int FSetPipeSize = 1031;
    internal const int FGetPipeSize = 1032;
    internal const int IoctlBytesAvailable = 0x541B;
    internal const short PollIn = 0x1;
    internal const short PollOut = 0x4;

    // The two flags whose values differ between the architectures.
    internal static readonly int ODirectory = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000 : 0x10000;
    internal static readonly int ONoFollow = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    internal static partial nint Read(SafeHandle fd, byte* buffer, nuint count);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    internal static partial nint Write(SafeHandle fd, byte* buffer, nuint count);

    [LibraryImport(Library, EntryPoint = "pipe2", SetLastError = true)]
    internal static partial int Pipe2(int* fds, int flags);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    internal static partial SafeFileHandle EventFd(uint initial, int flags);

    [LibraryImport(Library, EntryPoint = "poll", SetLastError = true)]
    internal static partial int Poll(PollFd* fds, nuint count, int timeoutMilliseconds);

    [LibraryImport(Library, EntryPoint = "epoll_create1", SetLastError = true)]
    internal static partial SafeFileHandle EpollCreate(int flags);

    [LibraryImport(Library, EntryPoint = "epoll_ctl", SetLastError = true)]
    internal static partial int EpollControl(SafeHandle epoll, int operation, SafeHandle fd, byte* packedEvent);

    [LibraryImport(Library, EntryPoint = "epoll_wait", SetLastError = true)]
    internal static partial int EpollWait(SafeHandle epoll, byte* packedEvents, int capacity, int timeoutMilliseconds);

    [StructLayout(LayoutKind.Sequential)]
    internal struct PollFd
    {
        internal int Fd;
        internal short Events;
        internal short ReturnedEvents;
    }
}
