namespace Checkpointer.Engine;

/// <summary>How a restored tree's root ended.</summary>
/// <param name="ExitCode">The exit code, or null when a signal ended it.</param>
/// <param name="Signal">The signal's number, or null when it exited.</param>
public sealed record TreeExit(int? ExitCode, int? Signal)
{
    /// <summary>The code a shell would report: the exit code, or 128 plus the signal.</summary>
    public int ShellCode => ExitCode ?? (128 + Signal.GetValueOrDefault());
}
