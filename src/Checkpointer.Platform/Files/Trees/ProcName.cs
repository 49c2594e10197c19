using System.Buffers.Text;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>/proc/self/fd/N, or a name below it: for calls that have no form with an open directory.</summary>
internal static class ProcName
{
    /// <summary>Bytes for the longest: the prefix, a number, and a name.</summary>
    internal const int Max = 320;

    /// <summary>Writes the path and its NUL. <paramref name="name"/> is empty for the handle itself. The handle must stay open.</summary>
    internal static void Of(SafeFileHandle handle, ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        ReadOnlySpan<byte> prefix = "/proc/self/fd/"u8;
        prefix.CopyTo(buffer);
        Utf8Formatter.TryFormat((int)handle.DangerousGetHandle(), buffer[prefix.Length..], out int digits);
        int at = prefix.Length + digits;
        if (name.IsEmpty)
        {
            buffer[at] = 0;
            return;
        }

        buffer[at++] = (byte)'/';
        CName.CopyName(name, buffer[at..]);
    }
}
