using Checkpointer.Platform;

namespace Checkpointer.Engine.Preflight;

/// <summary>
/// Who asks for a checkpoint cannot be in the tree: it would be frozen while it waits for the end, and ended with the tree.
/// </summary>
public static class Ancestry
{
    /// <summary>Whether <paramref name="pid"/> is <paramref name="of"/> or one of its ancestors. Both in our pid namespace.</summary>
    public static bool IsSelfOrAncestor(int pid, int of)
    {
        HashSet<int> seen = [];
        for (int at = of; at > 0 && seen.Add(at); at = ProcStat.Read(at)?.ParentPid ?? 0)
        {
            if (at == pid)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Code <c>pid-is-own-ancestor</c>.</summary>
    /// <param name="pid">As whoever asks knows it.</param>
    /// <param name="whose">Whose ancestor it is.</param>
    public static UsageException Refusal(int pid, string whose) => new(
        "pid-is-own-ancestor",
        $"process {pid} is {whose} or one of its ancestors",
        "give the pid of a program that did not start this one; a program that wants a checkpoint of itself has it taken by somebody else, for example 'systemd-run checkpointer checkpoint ...'");
}
