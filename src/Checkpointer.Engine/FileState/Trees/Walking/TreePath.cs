using System.Text;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>The path of a walk below a tree's root: names as bytes, joined by slashes.</summary>
internal sealed class TreePath
{
    private readonly byte[] _bytes = new byte[FileTreeLimits.MaxPath];
    private readonly List<int> _starts = [];
    private int _length;

    /// <summary>Names in it.</summary>
    public int Depth => _starts.Count;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>The last name.</summary>
    public ReadOnlySpan<byte> Name => Bytes[_starts[^1]..];

    /// <summary>One of the names.</summary>
    public ReadOnlySpan<byte> Part(int index) => Prefix(index + 1)[_starts[index]..];

    /// <summary>Adds a name; false when the path would be too long.</summary>
    public bool TryPush(ReadOnlySpan<byte> name)
    {
        var start = _length == 0 ? 0 : _length + 1;
        if (name.Length > _bytes.Length - start)
        {
            return false;
        }

        if (start > 0)
        {
            _bytes[_length] = (byte)'/';
        }

        name.CopyTo(_bytes.AsSpan(start));
        _starts.Add(start);
        _length = start + name.Length;
        return true;
    }

    public void Pop()
    {
        var start = _starts[^1];
        _starts.RemoveAt(_starts.Count - 1);
        _length = Math.Max(0, start - 1);
    }

    /// <summary>The path of the first names; <c>.</c> for none.</summary>
    public ReadOnlySpan<byte> Prefix(int depth) =>
        depth == 0 ? "."u8 : depth == _starts.Count ? Bytes : Bytes[..(_starts[depth] - 1)];

    /// <summary>For people: bytes that are no printable ASCII become <c>\xNN</c>, because names need not be text, and may hold escape sequences.</summary>
    public string Show(string mountPoint) => mountPoint.TrimEnd('/') + "/" + Show(Bytes);

    public static string Show(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new(bytes.Length);
        foreach (var b in bytes)
        {
            if (b is >= 0x20 and < 0x7f and not (byte)'\\')
            {
                text.Append((char)b);
            }
            else
            {
                text.Append("\\x").Append(Convert.ToHexStringLower([b]));
            }
        }

        return text.ToString();
    }
}
