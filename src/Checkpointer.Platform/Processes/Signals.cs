using System.Globalization;

namespace Checkpointer.Platform;

/// <summary>Signal numbers (x86-64 and arm64 agree) and sending by pidfd, never by pid.</summary>
public static class Signals
{
    public const int HangUp = 1;
    public const int Interrupt = 2;
    public const int Quit = 3;
    public const int Abort = 6;
    public const int Kill = 9;
    public const int User1 = 10;
    public const int SegmentationFault = 11;
    public const int User2 = 12;
    public const int Pipe = 13;
    public const int Alarm = 14;
    public const int Terminate = 15;
    public const int Child = 17;
    public const int Continue = 18;
    public const int Stop = 19;
    public const int TerminalStop = 20;
    public const int WindowChange = 28;

    private static readonly string[] Names =
    [
        "none", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
        "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    /// <summary>Sends a signal; false when the process is gone.</summary>
    public static bool Send(PidFd process, int signal)
    {
        ArgumentNullException.ThrowIfNull(process);
        return process.Signal(signal);
    }

    /// <summary>Its name, such as <c>SIGTERM</c>, or its number where it has none.</summary>
    public static string Name(int signal) => signal > 0 && signal < Names.Length
        ? "SIG" + Names[signal]
        : string.Create(CultureInfo.InvariantCulture, $"signal {signal}");
}
