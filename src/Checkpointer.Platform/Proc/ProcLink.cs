using System.Runtime.InteropServices;
using System.Text;

namespace Checkpointer.Platform;

/// <summary>Reads the magic links of /proc (<c>fd/N</c>, <c>exe</c>, <c>cwd</c>, <c>ns/pid</c>) without following them.</summary>
public static partial class ProcLink
{
    private const int LongestTarget = 4200; // PATH_MAX and " (deleted)", with room

    /// <summary>What the link says, or null when it is gone or may not be read.</summary>
    public static string? Read(string path)
    {
        byte[] buffer = new byte[LongestTarget];
        nint length = ReadLink(path, buffer, buffer.Length);
        return length < 0 ? null : Encoding.UTF8.GetString(buffer, 0, (int)length);
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

    [LibraryImport("libc", EntryPoint = "readlink", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint ReadLink(string path, [Out] byte[] buffer, nint size);
}
