using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// Reads the names of directories as the kernel gives them: bytes, in no order, without <c>.</c> and <c>..</c>. One buffer serves any
/// number of directories, one after the other.
/// </summary>
public sealed unsafe class DirectoryReader
{
    /// <summary>Bytes: some 2000 short names for one call.</summary>
    private const int BufferSize = 64 << 10;

    // struct linux_dirent64: inode 8, offset 8, record length 2, type 1, then the name and its NUL.
    private const int LengthOffset = 16;
    private const int NameOffset = 19;

    private readonly byte[] _buffer = new byte[BufferSize];
    private SafeFileHandle? _directory;
    private int _filled;
    private int _at;

    /// <summary>Begins with a directory that was just opened for reading (the names come from where its descriptor stands).</summary>
    public void Start(SafeFileHandle directory)
    {
        _directory = directory;
        _filled = 0;
        _at = 0;
    }

    /// <summary>The next name, valid until the next call; false at the end.</summary>
    /// <exception cref="PlatformException">The kernel refuses, or its answer makes no sense (a broken FUSE server).</exception>
    public bool Next(out ReadOnlySpan<byte> name)
    {
        while (true)
        {
            if (_at == _filled && !Fill())
            {
                name = default;
                return false;
            }

            ReadOnlySpan<byte> record = _buffer.AsSpan(_at, _filled - _at);
            int length = record.Length > NameOffset ? BinaryPrimitives.ReadUInt16LittleEndian(record[LengthOffset..]) : 0;
            if (length <= NameOffset || length > record.Length)
            {
                throw PlatformException.FromErrno("getdents64", Errno.EIO);
            }

            _at += length;
            ReadOnlySpan<byte> text = record[NameOffset..length];
            int end = text.IndexOf((byte)0);
            name = end >= 0 ? text[..end] : text;
            if (name.IsEmpty || name.Contains((byte)'/'))
            {
                throw PlatformException.FromErrno("getdents64", Errno.EIO);
            }

            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
            {
                return true;
            }
        }
    }

    private bool Fill()
    {
        fixed (byte* start = _buffer)
        {
            nint count = Libc.Syscall(
                SyscallNumbers.GetDirectoryEntries, _directory ?? throw new InvalidOperationException("no directory"), (nint)start, BufferSize, 0);
            if (count < 0)
            {
                throw Libc.Failure("getdents64");
            }

            _filled = (int)count;
            _at = 0;
            return count > 0;
        }
    }
}
