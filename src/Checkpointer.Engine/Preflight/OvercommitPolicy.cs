using System.Globalization;
using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>How much address space the kernel grants to mappings that could be written.</summary>
/// <param name="Mode">Value of <c>vm.overcommit_memory</c>: 0 heuristic, 1 always, 2 never more than the limit.</param>
/// <param name="MemoryAndSwap">What one mapping may have at most in mode 0, in bytes.</param>
/// <param name="CommitLeft">What all new mappings together may have in mode 2, in bytes.</param>
internal sealed record OvercommitPolicy(int Mode, long MemoryAndSwap, long CommitLeft)
{
    public const int Heuristic = 0;
    public const int Always = 1;

    public static OvercommitPolicy Read()
    {
        string mode = ProcText.TryRead("/proc/sys/vm/overcommit_memory")?.Trim() ?? "0";
        return Parse(mode, ProcText.Lines("/proc/meminfo"));
    }

    public static OvercommitPolicy Parse(string mode, IEnumerable<string> memoryInfo)
    {
        Dictionary<string, long> values = new(StringComparer.Ordinal);
        foreach (string line in memoryInfo)
        {
            string[] fields = line.Split([':', ' '], StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length >= 2 && long.TryParse(fields[1], CultureInfo.InvariantCulture, out long kilobytes))
            {
                values[fields[0]] = kilobytes * 1024;
            }
        }

        return new OvercommitPolicy(
            int.Parse(mode, CultureInfo.InvariantCulture),
            values.GetValueOrDefault("MemTotal") + values.GetValueOrDefault("SwapTotal"),
            Math.Max(0, values.GetValueOrDefault("CommitLimit") - values.GetValueOrDefault("Committed_AS")));
    }

    /// <summary>True when a tree with these private mappings can be mapped again.</summary>
    public bool Grants(long largest, long all)
    {
        return Mode switch
        {
            Always => true,
            Heuristic => largest <= MemoryAndSwap,
            _ => all <= CommitLeft,
        };
    }
}
