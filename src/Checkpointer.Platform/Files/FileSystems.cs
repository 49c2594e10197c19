using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>Facts about the file system that holds a path.</summary>
public static unsafe class FileSystems
{
    private const long TmpfsMagic = 0x01021994;
    private const long RamfsMagic = 0x858458f6;
    private const long OverlayMagic = 0x794c7630;

    /// <summary>True when what is written there stays in memory (tmpfs or ramfs), and never reaches a local disk.</summary>
    public static bool IsTmpfs(string path) => IsMemory(Query(path).Type);

    /// <summary>The same for an open file.</summary>
    public static bool IsTmpfs(SafeFileHandle handle)
    {
        Libc.StatFsBuffer buffer;
        return Libc.StatFs(handle, &buffer) == 0 ? IsMemory(buffer.Type) : throw Libc.Failure("fstatfs");
    }

    /// <summary>True for a merged view of layers, in which a file may become another one when it is changed for the first time.</summary>
    public static bool IsOverlay(string path) => Query(path).Type == OverlayMagic;

    /// <summary>Bytes that an unprivileged user can still write there.</summary>
    public static long Free(string path)
    {
        Libc.StatFsBuffer buffer = Query(path);
        return checked((long)buffer.BlocksAvailable * buffer.BlockSize);
    }

    /// <summary>Size of the file system in bytes; 0 for a tmpfs without limit.</summary>
    public static long Size(string path)
    {
        Libc.StatFsBuffer buffer = Query(path);
        return checked((long)buffer.Blocks * buffer.BlockSize);
    }

    private static bool IsMemory(long type) => type is TmpfsMagic or RamfsMagic;

    private static Libc.StatFsBuffer Query(string path)
    {
        NativePath.Check(path);
        Libc.StatFsBuffer buffer;
        while (Libc.StatFs(path, &buffer) != 0)
        {
            if (Libc.LastError != Errno.EINTR)
            {
                throw Libc.Failure($"statfs {path}");
            }
        }

        return buffer;
    }
}
