using System.Runtime.InteropServices;

namespace Checkpointer;

/// <summary>
/// A system call failed, or the other end of a socket broke its protocol. Only the object that raised it is
/// concerned; its owner decides what the failure means for the operation.
/// </summary>
public sealed class PlatformException(string code, string message, string? remedy = null, Exception? inner = null)
    : CheckpointerException(code, message, remedy, inner)
{
    /// <summary>The kernel's error number; 0 when the failure is not a system call's.</summary>
    public int Errno { get; init; }

    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.Failed;

    /// <summary>The error of a failed system call. <paramref name="call"/> names the call and, where it helps, its object.</summary>
    public static PlatformException FromErrno(string call, int errno) =>
        new("system-call-failed", $"{call}: {Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})") { Errno = errno };
}
