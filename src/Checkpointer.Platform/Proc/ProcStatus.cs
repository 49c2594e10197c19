using System.Globalization;

namespace Checkpointer.Platform;

/// <summary>The fields of <c>/proc/PID/status</c> that we use. Sizes are in bytes.</summary>
public sealed record ProcStatus
{
    private const ulong KillBit = 1UL << 8; // signal 9

    /// <summary>Pid of the tracer, 0 when nobody traces.</summary>
    public int TracerPid { get; init; }

    /// <summary>Pid of the process whose thread this is; its own for a process. 0 when the text does not say.</summary>
    public int ThreadGroup { get; init; }

    public uint Uid { get; init; }

    public uint Gid { get; init; }

    /// <summary>The process's pids from the reader's namespace inwards; the last one is what it sees itself.</summary>
    public IReadOnlyList<int> NamespacePids { get; init; } = [];

    public IReadOnlyList<int> NamespaceSessions { get; init; } = [];

    public int Threads { get; init; }

    public long ResidentAnonymous { get; init; }

    public long ResidentFile { get; init; }

    public long ResidentShared { get; init; }

    public long Swap { get; init; }

    public ulong EffectiveCapabilities { get; init; }

    /// <summary>SIGKILL was sent and is not delivered yet: it will not come back from there.</summary>
    public bool IsKilled { get; init; }

    /// <summary>0 none, 1 strict, 2 filter.</summary>
    public int Seccomp { get; init; }

    /// <summary>Parses the whole text; absent fields keep their defaults (zombies have no memory fields).</summary>
    public static ProcStatus Parse(string text)
    {
        Dictionary<string, string> fields = new(StringComparer.Ordinal);
        foreach (string line in ProcText.Split(text))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0)
            {
                fields.TryAdd(line[..colon], line[(colon + 1)..].Trim());
            }
        }

        return new ProcStatus
        {
            TracerPid = (int)Number(fields, "TracerPid"),
            ThreadGroup = (int)Number(fields, "Tgid"),
            Uid = (uint)Number(fields, "Uid"),
            Gid = (uint)Number(fields, "Gid"),
            NamespacePids = Numbers(fields, "NSpid"),
            NamespaceSessions = Numbers(fields, "NSsid"),
            Threads = (int)Number(fields, "Threads"),
            ResidentAnonymous = Kilobytes(fields, "RssAnon"),
            ResidentFile = Kilobytes(fields, "RssFile"),
            ResidentShared = Kilobytes(fields, "RssShmem"),
            Swap = Kilobytes(fields, "VmSwap"),
            EffectiveCapabilities = Mask(fields, "CapEff"),
            IsKilled = ((Mask(fields, "SigPnd") | Mask(fields, "ShdPnd")) & KillBit) != 0,
            Seccomp = (int)Number(fields, "Seccomp"),
        };
    }

    /// <summary>Reads the status of a process, or null when there is no such process.</summary>
    public static ProcStatus? Read(int pid)
    {
        string? text = ProcText.TryRead($"/proc/{pid}/status");
        return text is null ? null : Parse(text);
    }

    private static ulong Mask(Dictionary<string, string> fields, string name) =>
        ulong.TryParse(fields.GetValueOrDefault(name), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong mask) ? mask : 0;

    private static long Kilobytes(Dictionary<string, string> fields, string name)
    {
        return Number(fields, name) * 1024;
    }

    private static long Number(Dictionary<string, string> fields, string name)
    {
        string? text = fields.GetValueOrDefault(name);
        if (text is null)
        {
            return 0;
        }

        int end = text.AsSpan().IndexOfAny(' ', '\t');
        return long.Parse(end < 0 ? text : text.AsSpan(0, end), CultureInfo.InvariantCulture);
    }

    private static List<int> Numbers(Dictionary<string, string> fields, string name)
    {
        string text = fields.GetValueOrDefault(name) ?? "";
        return text.Split(['\t', ' '], StringSplitOptions.RemoveEmptyEntries).Select(p => int.Parse(p, CultureInfo.InvariantCulture)).ToList();
    }
}
