using System.Globalization;

namespace Checkpointer.Platform;

/// <summary>The fields of <c>/proc/PID/stat</c> that we use. The name may hold spaces, parentheses and newlines.</summary>
public sealed record ProcStat
{
    private const uint KernelThreadFlag = 0x00200000; // PF_KTHREAD
    private const uint ExitingFlag = 0x00000004;      // PF_EXITING
    private const int FieldsNeeded = 20;              // up to starttime, which is the 20th field after the name

    public required int Pid { get; init; }

    public required string Name { get; init; }

    /// <summary>R, S, D, Z (zombie), T (stopped), t (traced), X (dead), I (idle).</summary>
    public required char State { get; init; }

    public required int ParentPid { get; init; }

    public required int ProcessGroup { get; init; }

    public required int Session { get; init; }

    /// <summary>Device number of the controlling terminal in the kernel's old encoding, 0 when there is none.</summary>
    public required int Terminal { get; init; }

    public required uint Flags { get; init; }

    public required int ThreadCount { get; init; }

    /// <summary>Clock ticks after boot.</summary>
    public required ulong StartTime { get; init; }

    public bool IsKernelThread => (Flags & KernelThreadFlag) != 0 || Pid == 2;

    /// <summary>The kernel is taking it apart already; giving gigabytes back takes a while before it is a zombie.</summary>
    public bool IsExiting => (Flags & ExitingFlag) != 0;

    public bool IsZombie => State is 'Z' or 'X';

    /// <summary>Parses one line.</summary>
    /// <exception cref="FormatException">The text is not a stat line.</exception>
    public static ProcStat Parse(string text)
    {
        int open = text.IndexOf('(', StringComparison.Ordinal);
        int close = text.LastIndexOf(')');
        if (open < 1 || close < open)
        {
            throw new FormatException("not a /proc/PID/stat line: no name in parentheses");
        }

        string[] fields = text[(close + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (fields.Length < FieldsNeeded)
        {
            throw new FormatException($"not a /proc/PID/stat line: {fields.Length} fields after the name");
        }

        return new ProcStat
        {
            Pid = int.Parse(text.AsSpan(0, open).Trim(), CultureInfo.InvariantCulture),
            Name = text[(open + 1)..close],
            State = fields[0][0],
            ParentPid = Number(fields[1]),
            ProcessGroup = Number(fields[2]),
            Session = Number(fields[3]),
            Terminal = Number(fields[4]),
            Flags = uint.Parse(fields[6], CultureInfo.InvariantCulture),
            ThreadCount = Number(fields[17]),
            StartTime = ulong.Parse(fields[19], CultureInfo.InvariantCulture),
        };
    }

    /// <summary>Reads the stat of a process, or null when there is no such process.</summary>
    public static ProcStat? Read(int pid)
    {
        string? text = ProcText.TryRead($"/proc/{pid}/stat");
        return text is null ? null : Parse(text);
    }

    private static int Number(string text)
    {
        return int.Parse(text, CultureInfo.InvariantCulture);
    }
}
