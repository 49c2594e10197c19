using System.Globalization;
using System.Text;

namespace Checkpointer.Integration.Tests;

/// <summary>What /proc says about processes. Everything here tolerates processes that end meanwhile.</summary>
internal static class Processes
{
    private const char Zombie = 'Z';
    private const char Dead = 'X';

    internal static IEnumerable<int> All() =>
        Directory.EnumerateDirectories("/proc")
            .Select(path => int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : 0)
            .Where(pid => pid > 0);

    /// <summary>False for a zombie: it does nothing any more.</summary>
    internal static bool IsAlive(int pid) => State(pid) is not (null or Zombie or Dead);

    /// <summary>The letter of /proc/PID/stat: R, S, T, Z ...; null when there is no such process.</summary>
    internal static char? State(int pid) => StatFields(pid) is { Length: > 0 } fields ? fields[0][0] : null;

    internal static int ParentOf(int pid) =>
        StatFields(pid) is { Length: > 1 } fields ? int.Parse(fields[1], CultureInfo.InvariantCulture) : 0;

    /// <summary>Clock ticks since boot; with the pid it names a process for good. Null when there is no such process.</summary>
    internal static string? StartTimeOf(int pid) => StatFields(pid) is { Length: > 19 } fields ? fields[19] : null;

    internal static int TracerOf(int pid) =>
        StatusLine(pid, "TracerPid:") is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : 0;

    internal static string CommandLine(int pid) => Read($"/proc/{pid}/cmdline").Replace('\0', ' ').Trim();

    /// <summary>The process and everything below it, parents first.</summary>
    internal static IReadOnlyList<int> TreeOf(int root)
    {
        var children = All().ToLookup(ParentOf);
        var tree = new List<int>();
        var open = new Queue<int>([root]);
        while (open.TryDequeue(out var pid))
        {
            if (State(pid) is not null)
            {
                tree.Add(pid);
                children[pid].ToList().ForEach(open.Enqueue);
            }
        }

        return tree;
    }

    /// <summary>Processes that were started, at whatever remove, with this setting in their environment.</summary>
    internal static IEnumerable<int> WithEnvironment(string setting) =>
        All().Where(pid => pid != System.Environment.ProcessId && Read($"/proc/{pid}/environ").Split('\0').Contains(setting));

    /// <summary>Processes one of whose arguments is a path below this directory.</summary>
    internal static IEnumerable<int> WithArgumentsBelow(string directory) =>
        All().Where(pid => pid != System.Environment.ProcessId
            && Read($"/proc/{pid}/cmdline").Split('\0').Any(word => word.StartsWith(directory + "/", StringComparison.Ordinal)));

    private static string? StatusLine(int pid, string name) =>
        Read($"/proc/{pid}/status").Split('\n').FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?[name.Length..].Trim();

    /// <summary>The fields of /proc/PID/stat that follow the name, which may itself hold spaces and brackets.</summary>
    private static string[]? StatFields(int pid)
    {
        var text = Read($"/proc/{pid}/stat");
        var end = text.LastIndexOf(')');
        return end < 0 ? null : text[(end + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    private static string Read(string path)
    {
        try
        {
            return Encoding.Latin1.GetString(File.ReadAllBytes(path));
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
