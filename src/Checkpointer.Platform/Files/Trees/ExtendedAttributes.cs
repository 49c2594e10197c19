using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// Extended attributes of an open node (<c>name</c> empty), or of a name in an open directory: then of a symbolic link itself.
/// Names of attributes are bytes without the NUL.
/// </summary>
public static unsafe class ExtendedAttributes
{
    /// <summary>Bytes of the longest list of names, and of the longest value: the kernel's limits.</summary>
    public const int MaxSize = 64 << 10;

    /// <summary>Bytes of the longest name.</summary>
    public const int MaxName = 255;

    /// <summary>All names, each ended by a NUL; the answer is their length. 0 where the file system knows no attributes.</summary>
    public static int List(SafeFileHandle node, ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        byte* path = stackalloc byte[ProcName.Max];
        ProcName.Of(node, name, new Span<byte>(path, ProcName.Max));
        fixed (byte* start = buffer)
        {
            nint length = name.IsEmpty
                ? Libc.ListAttributes(node, start, (nuint)buffer.Length)
                : Libc.ListAttributes(path, start, (nuint)buffer.Length);
            if (length >= 0)
            {
                return (int)length;
            }

            return Libc.LastError == Errno.EOPNOTSUPP ? 0 : throw Libc.Failure("listxattr");
        }
    }

    /// <summary>A value, into the buffer; the answer is its length, -1 when there is no such attribute.</summary>
    public static int Get(SafeFileHandle node, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute, Span<byte> buffer)
    {
        byte* path = stackalloc byte[ProcName.Max];
        ProcName.Of(node, name, new Span<byte>(path, ProcName.Max));
        byte* text = stackalloc byte[MaxName + 1];
        CName.Copy(attribute, new Span<byte>(text, MaxName + 1));
        fixed (byte* start = buffer)
        {
            nint length = name.IsEmpty
                ? Libc.GetAttribute(node, text, start, (nuint)buffer.Length)
                : Libc.GetAttribute(path, text, start, (nuint)buffer.Length);
            if (length >= 0)
            {
                return (int)length;
            }

            return Libc.LastError == Errno.ENODATA ? -1 : throw Libc.Failure("getxattr");
        }
    }

    /// <summary>Makes or replaces an attribute.</summary>
    public static void Set(SafeFileHandle node, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value)
    {
        byte* path = stackalloc byte[ProcName.Max];
        ProcName.Of(node, name, new Span<byte>(path, ProcName.Max));
        byte* text = stackalloc byte[MaxName + 1];
        CName.Copy(attribute, new Span<byte>(text, MaxName + 1));
        fixed (byte* start = value)
        {
            int result = name.IsEmpty
                ? Libc.SetAttribute(node, text, start, (nuint)value.Length, 0)
                : Libc.SetAttribute(path, text, start, (nuint)value.Length, 0);
            if (result != 0)
            {
                throw Libc.Failure("setxattr");
            }
        }
    }

    /// <summary>Removes an attribute; one that is not there is no error.</summary>
    public static void Remove(SafeFileHandle node, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute)
    {
        byte* path = stackalloc byte[ProcName.Max];
        ProcName.Of(node, name, new Span<byte>(path, ProcName.Max));
        byte* text = stackalloc byte[MaxName + 1];
        CName.Copy(attribute, new Span<byte>(text, MaxName + 1));
        int result = name.IsEmpty ? Libc.RemoveAttribute(node, text) : Libc.RemoveAttribute(path, text);
        if (result != 0 && Libc.LastError != Errno.ENODATA)
        {
            throw Libc.Failure("removexattr");
        }
    }
}
