using System.Runtime.InteropServices;
using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>The names in one directory, in the order of their bytes. Used again and again: one for each depth of a walk.</summary>
internal sealed class NameList
{
    /// <summary>Bytes that are kept for the next directory; what a huge one needed is given back.</summary>
    private const int Kept = 1 << 20;

    private byte[] _bytes = new byte[4 << 10];
    private List<(int Start, int Length)> _names = [];
    private int _filled;
    private int _next;

    /// <summary>Reads all names.</summary>
    /// <param name="directory">Just opened: the names come from where its descriptor stands.</param>
    /// <param name="reader">The buffer for it.</param>
    /// <param name="max">More than so many names are an error of the caller's: the answer is false.</param>
    public bool TryRead(SafeFileHandle directory, DirectoryReader reader, int max)
    {
        Clear();
        reader.Start(directory);
        while (reader.Next(out var name))
        {
            if (_names.Count >= max || name.Length > FileTreeLimits.MaxName || _filled > int.MaxValue / 2)
            {
                return false;
            }

            if (_bytes.Length - _filled < name.Length)
            {
                Array.Resize(ref _bytes, _bytes.Length * 2);
            }

            name.CopyTo(_bytes.AsSpan(_filled));
            _names.Add((_filled, name.Length));
            _filled += name.Length;
        }

        var bytes = _bytes;
        CollectionsMarshal.AsSpan(_names).Sort((a, b) => bytes.AsSpan(a.Start, a.Length).SequenceCompareTo(bytes.AsSpan(b.Start, b.Length)));
        return true;
    }

    /// <summary>The next name, valid until the list is read or cleared; false at the end.</summary>
    public bool Next(out ReadOnlySpan<byte> name)
    {
        if (_next == _names.Count)
        {
            name = default;
            return false;
        }

        var (start, length) = _names[_next++];
        name = _bytes.AsSpan(start, length);
        return true;
    }

    private void Clear()
    {
        if (_bytes.Length > Kept)
        {
            _bytes = new byte[4 << 10];
            _names = [];
        }

        _names.Clear();
        _filled = 0;
        _next = 0;
    }
}
