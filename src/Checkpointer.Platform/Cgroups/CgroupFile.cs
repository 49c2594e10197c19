using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>The control files of cgroups. They are never created by opening, and one write is one command.</summary>
internal static class CgroupFile
{
    internal static bool Exists(string path) => FileStatus.Of(path) is not null;

    internal static void Write(string path, string text)
    {
        using SafeFileHandle file = Fds.Open(path, OpenFlags.WriteOnly);
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        try
        {
            Fds.Write(file, bytes);
        }
        catch (PlatformException refused)
        {
            throw PlatformException.FromErrno($"write '{text}' to {path}", refused.Errno);
        }
    }

    /// <summary>A number; null for <c>max</c>, an absent file, or one that does not hold a number.</summary>
    internal static long? ReadNumber(string path) =>
        long.TryParse(ProcText.TryRead(path), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out long number)
            ? number
            : null;

    /// <summary>The value of one line <c>name value</c>, as in memory.stat and cgroup.events.</summary>
    internal static long? ReadKey(string path, string name)
    {
        foreach (string line in ProcText.Lines(path))
        {
            if (line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] == ' ')
            {
                return long.TryParse(line.AsSpan(name.Length + 1), CultureInfo.InvariantCulture, out long value) ? value : null;
            }
        }

        return null;
    }
}
