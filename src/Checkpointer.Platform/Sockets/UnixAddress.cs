using System.Diagnostics.CodeAnalysis;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// A sockaddr_un. A path that is too long for it is reached through /proc/self/fd/N of its directory, which stays
/// open until the address is disposed.
/// </summary>
internal sealed class UnixAddress : IDisposable
{
    private const int FamilyBytes = 2;

    /// <summary>sun_path of the kernel, with its final NUL.</summary>
    private const int PathBytes = 108;

    private readonly SafeFileHandle? _directory;

    private UnixAddress(byte[] bytes, SafeFileHandle? directory)
    {
        Bytes = bytes;
        _directory = directory;
    }

    internal byte[] Bytes { get; }

    internal static UnixAddress OfPath(string path)
    {
        NativePath.Check(path);
        if (TryEncode(path, out byte[]? bytes))
        {
            return new UnixAddress(bytes, null);
        }

        string full = Path.GetFullPath(path);
        SafeFileHandle directory = Fds.Open(Path.GetDirectoryName(full) ?? "/", OpenFlags.Path | OpenFlags.Directory);
        if (TryEncode($"/proc/self/fd/{directory.DangerousGetHandle()}/{Path.GetFileName(full)}", out bytes))
        {
            return new UnixAddress(bytes, directory);
        }

        directory.Dispose();
        throw PlatformException.FromErrno($"socket path {path}", Errno.ENAMETOOLONG);
    }

    /// <summary>An abstract name: a NUL and the name, not terminated.</summary>
    internal static UnixAddress OfAbstractName(string name)
    {
        byte[] text = Encoding.UTF8.GetBytes(name);
        if (text.Length > PathBytes - 1)
        {
            throw PlatformException.FromErrno("abstract socket name", Errno.ENAMETOOLONG);
        }

        byte[] bytes = new byte[FamilyBytes + 1 + text.Length];
        BitConverter.TryWriteBytes(bytes, (ushort)Libc.AfUnix);
        text.CopyTo(bytes, FamilyBytes + 1);
        return new UnixAddress(bytes, null);
    }

    public void Dispose() => _directory?.Dispose();

    private static bool TryEncode(string path, [NotNullWhen(true)] out byte[]? bytes)
    {
        int length = Encoding.UTF8.GetByteCount(path);
        if (length > PathBytes - 1)
        {
            bytes = null;
            return false;
        }

        bytes = new byte[FamilyBytes + length + 1];
        BitConverter.TryWriteBytes(bytes, (ushort)Libc.AfUnix);
        Encoding.UTF8.GetBytes(path, bytes.AsSpan(FamilyBytes));
        return true;
    }
}
