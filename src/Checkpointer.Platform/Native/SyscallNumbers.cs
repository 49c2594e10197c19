using System.Runtime.InteropServices;

namespace Checkpointer.Platform;

/// <summary>
/// Numbers of the calls that have no C wrapper everywhere, or whose wrapper is variadic: a variadic function must not
/// be called through a fixed signature, but syscall(2) takes everything in registers.
/// </summary>
internal static class SyscallNumbers
{
    // Calls that are younger than Linux 5.1 carry one number on all architectures.
    internal const nint PidfdSendSignal = 424;
    internal const nint PidfdOpen = 434;
    internal const nint OpenAt2 = 437;
    internal const nint PidfdGetFd = 438;

    internal static readonly nint Ioctl = Pick(x64: 16, arm64: 29);
    internal static readonly nint Fcntl = Pick(x64: 72, arm64: 25);
    internal static readonly nint OpenAt = Pick(x64: 257, arm64: 56);
    internal static readonly nint GetDirectoryEntries = Pick(x64: 217, arm64: 61);
    internal static readonly nint MakeNodeAt = Pick(x64: 259, arm64: 33);
    internal static readonly nint RenameAt2 = Pick(x64: 316, arm64: 276);

    private static nint Pick(nint x64, nint arm64) => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => x64,
        Architecture.Arm64 => arm64,
        _ => throw new PlatformNotSupportedException($"No system call numbers for {RuntimeInformation.ProcessArchitecture}."),
    };
}
