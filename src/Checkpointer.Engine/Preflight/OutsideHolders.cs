using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>Who else on this machine has a pipe or fifo of the tree open.</summary>
internal static class OutsideHolders
{
    /// <summary>For each of the link texts (<c>pipe:[123]</c>) one process outside of the tree that has it open; absent when nobody has.</summary>
    public static IReadOnlyDictionary<string, string> Find(ProcessTree tree, IReadOnlySet<string> targets)
    {
        Dictionary<string, string> holders = new(StringComparer.Ordinal);
        if (targets.Count == 0)
        {
            return holders;
        }

        foreach (int pid in ProcessTree.AllPids().Where(p => !tree.Contains(p)))
        {
            foreach (string name in ProcText.Names($"/proc/{pid}/fd"))
            {
                if (ProcLink.Read($"/proc/{pid}/fd/{name}") is { } target && targets.Contains(target) && !holders.ContainsKey(target))
                {
                    holders[target] = $"{pid} ({ProcStat.Read(pid)?.Name ?? "?"})";
                    if (holders.Count == targets.Count)
                    {
                        return holders;
                    }
                }
            }
        }

        return holders;
    }
}
