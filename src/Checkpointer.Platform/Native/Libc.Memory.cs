using System.Runtime.InteropServices;

namespace Checkpointer.Platform;

internal static unsafe partial class Libc
{
    internal const int ProtectReadWrite = 3;
    internal const int MapPrivateAnonymous = 0x22;
    internal const int AdviseHugePage = 14;
    internal const int AdviseDontDump = 16;
    internal const int AdvisePopulateWrite = 23;

    [LibraryImport(Library, EntryPoint = "mmap", SetLastError = true)]
    internal static partial nint Map(nint address, nuint length, int protection, int flags, int fd, nint offset);

    [LibraryImport(Library, EntryPoint = "munmap", SetLastError = true)]
    internal static partial int Unmap(nint address, nuint length);

    [LibraryImport(Library, EntryPoint = "madvise", SetLastError = true)]
    internal static partial int Advise(nint address, nuint length, int advice);
}
