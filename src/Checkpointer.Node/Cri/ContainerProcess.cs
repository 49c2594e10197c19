using System.Text.RegularExpressions;
using Checkpointer.Platform;

namespace Checkpointer.Node.Cri;

/// <summary>
/// Whether a pid that a runtime told is that container's process here: pids are numbers of the runtime's own pid namespace, and a
/// container may have ended meanwhile.
/// </summary>
internal static partial class ContainerProcess
{
    /// <exception cref="HostException">Code <c>container-process</c>.</exception>
    /// <exception cref="UsageException">Code <c>container-not-running</c>: it is the container's, and has ended.</exception>
    public static int Check(int? told, string id, string label)
    {
        if (told is not { } pid)
        {
            throw CriErrors.NoProcess(label, "the runtime does not tell its process");
        }

        if (pid == Environment.ProcessId)
        {
            throw CriErrors.NoProcess(label, $"the runtime says that it is process {pid}, but that is this program");
        }

        if (ProcStat.Read(pid) is not { } stat || ProcText.TryRead($"/proc/{pid}/cgroup") is not { } cgroup)
        {
            throw CriErrors.NoProcess(label, $"the runtime says that it is process {pid}, but there is no such process here");
        }

        if (!MayBe(cgroup, id))
        {
            throw CriErrors.NoProcess(label, $"the runtime says that it is process {pid}, but that is in another container's cgroup");
        }

        return stat.IsZombie || stat.IsExiting ? throw CriErrors.HasEnded(label) : pid;
    }

    /// <summary>
    /// A runtime names a container's cgroup by its id. Where none is named so, nothing is known, and nothing speaks against it.
    /// </summary>
    /// <param name="cgroup">The process's <c>/proc/PID/cgroup</c>.</param>
    /// <param name="id">The container's.</param>
    public static bool MayBe(string cgroup, string id) => cgroup.Contains(id, StringComparison.Ordinal) || !OtherId().IsMatch(cgroup);

    [GeneratedRegex("[0-9a-f]{64}", RegexOptions.CultureInvariant)]
    private static partial Regex OtherId();
}
