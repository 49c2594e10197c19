using System.Globalization;
using Checkpointer.Engine.Preflight;

namespace Checkpointer.Node;

/// <summary>
/// Translates pids between a caller's pid namespace and ours. The caller's namespace is that of its process; a process inside it
/// is known there by the number at that namespace's depth in the NSpid line of its status. That the number belongs to the very
/// namespace (and not to a sibling at the same depth) is shown by the process being in it, or by an ancestor that is: children
/// are born in their parent's namespace or below it.
/// </summary>
/// <param name="procRoot">Where our pid namespace's proc is mounted.</param>
internal sealed class CallerPids(string procRoot = "/proc")
{
    /// <summary>
    /// Links from a process to its ancestors; the kernel nests pid namespaces 32 deep, process trees are far shallower than this.
    /// </summary>
    private const int MaxAncestors = 4096;

    /// <summary>The pid in our namespace of what the caller calls <paramref name="pid"/>.</summary>
    /// <exception cref="UsageException">Code <c>pid-not-found</c>, or <c>pid-invalid</c>.</exception>
    /// <exception cref="HostException">Code <c>caller-not-visible</c>: the caller lives outside our pid namespace.</exception>
    public int ToOurs(int callerPid, int pid)
    {
        if (pid <= 0)
        {
            throw new UsageException("pid-invalid", $"{pid} is not a process id.", "Name a running process by its positive number.");
        }

        var (theirs, ours) = Namespaces(callerPid);
        if (theirs == ours)
        {
            return pid;
        }

        var depth = NamespacePids(callerPid).Length;
        foreach (var candidate in Processes())
        {
            var pids = NamespacePids(candidate);
            if (pids.Length >= depth && pids[depth - 1] == pid && IsInside(candidate, theirs))
            {
                return candidate;
            }
        }

        throw new UsageException(
            "pid-not-found", $"There is no process {pid} in your pid namespace.", "Name a running process; ps shows them.");
    }

    /// <summary>As <see cref="ToOurs"/>, for a process that is to be checkpointed.</summary>
    /// <exception cref="UsageException">Also code <c>pid-is-own-ancestor</c>: the caller is in its tree.</exception>
    public int Target(int callerPid, int pid)
    {
        var ours = ToOurs(callerPid, pid);
        return Ancestry.IsSelfOrAncestor(ours, callerPid) ? throw Ancestry.Refusal(pid, "the command that asks for it") : ours;
    }

    /// <summary>What the caller calls our process <paramref name="pid"/>; 0 when it is not visible in the caller's namespace.</summary>
    public int ToCallers(int callerPid, int pid)
    {
        if (callerPid <= 0)
        {
            return 0;
        }

        var (theirs, ours) = Namespaces(callerPid);
        if (theirs == ours)
        {
            return pid;
        }

        var depth = NamespacePids(callerPid).Length;
        var pids = NamespacePids(pid);
        return pids.Length >= depth && depth > 0 && IsInside(pid, theirs) ? pids[depth - 1] : 0;
    }

    private (string Theirs, string Ours) Namespaces(int callerPid)
    {
        var theirs = callerPid > 0 ? Namespace(callerPid) : null;
        if (theirs is null)
        {
            throw new HostException(
                "caller-not-visible",
                "The service cannot see your process, so it does not know which process you mean by its number.",
                "Run the command in the service's pid namespace (nsenter --target <pid of the service> --pid --mount), or use --embedded.");
        }

        var ours = Namespace(Environment.ProcessId)
            ?? throw new HostException("no-proc", $"{procRoot} does not show this process.", "Mount proc.");
        return (theirs, ours);
    }

    private bool IsInside(int pid, string wanted)
    {
        for (var i = 0; i < MaxAncestors && pid > 0; i++)
        {
            if (Namespace(pid) == wanted)
            {
                return true;
            }

            pid = ParentOf(pid);
        }

        return false;
    }

    private string? Namespace(int pid)
    {
        try
        {
            return new FileInfo($"{procRoot}/{pid.ToString(CultureInfo.InvariantCulture)}/ns/pid").LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private int[] NamespacePids(int pid)
    {
        var line = StatusLine(pid, "NSpid:");
        var fields = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var pids = new int[fields.Length];
        for (var i = 0; i < fields.Length; i++)
        {
            if (!int.TryParse(fields[i], NumberStyles.None, CultureInfo.InvariantCulture, out pids[i]))
            {
                return [];
            }
        }

        return pids;
    }

    private int ParentOf(int pid)
    {
        var line = StatusLine(pid, "PPid:");
        return int.TryParse(line, NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out var parent) ? parent : 0;
    }

    private string StatusLine(int pid, string key)
    {
        try
        {
            foreach (var line in File.ReadLines($"{procRoot}/{pid.ToString(CultureInfo.InvariantCulture)}/status"))
            {
                if (line.StartsWith(key, StringComparison.Ordinal))
                {
                    return line[key.Length..];
                }
            }
        }
        catch (IOException)
        {
            // It has gone (ESRCH or ENOENT): no line, no match.
        }

        return "";
    }

    private IEnumerable<int> Processes()
    {
        foreach (var directory in Directory.EnumerateDirectories(procRoot))
        {
            if (int.TryParse(Path.GetFileName(directory.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
            {
                yield return pid;
            }
        }
    }
}
