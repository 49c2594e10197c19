using System.Text;

namespace Checkpointer.Platform;

/// <summary>Reads the magic links of /proc (<c>fd/N</c>, <c>exe</c>, <c>cwd</c>, <c>ns/pid</c>) without following them.</summary>
public static unsafe class ProcLink
{
    private const int LongestTarget = 4200; // PATH_MAX and " (deleted)", with room

    /// <summary>What the link says, or null when it is gone or may not be read.</summary>
    public static string? Read(string path)
    {
        byte* buffer = stackalloc byte[LongestTarget];
        nint length = Libc.ReadLink(path, buffer, LongestTarget);
        return length < 0 ? null : Encoding.UTF8.GetString(buffer, (int)length);
    }

    /// <summary>Inode of a namespace of a process (<c>pid:[4026531836]</c>), or 0 when the process is gone.</summary>
    /// <param name="pid">The process, in our pid namespace.</param>
    /// <param name="kind">Name under <c>/proc/PID/ns</c>.</param>
    public static ulong Namespace(int pid, string kind)
    {
        return Read($"/proc/{pid}/ns/{kind}") is { } target ? ParseNamespace(target) : 0;
    }

    internal static ulong ParseNamespace(string target)
    {
        int open = target.IndexOf('[', StringComparison.Ordinal);
        return open > 0 && ulong.TryParse(target.AsSpan(open + 1).TrimEnd(']'), out ulong inode) ? inode : 0;
    }
}
