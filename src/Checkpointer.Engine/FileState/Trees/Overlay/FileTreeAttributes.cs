using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>
/// The extended attributes of one node that travel, in the order of their names; and what an overlay says by the others. One object and
/// its buffers serve a whole tree.
/// </summary>
internal sealed class FileTreeAttributes(FileTreeKind kind)
{
    private readonly byte[] _list = new byte[ExtendedAttributes.MaxSize];
    private readonly List<Item> _items = [];
    private byte[] _bytes = new byte[ExtendedAttributes.MaxSize + ExtendedAttributes.MaxName];
    private int _filled;

    public int Count => _items.Count;

    /// <summary>The directory is marked as opaque.</summary>
    public bool IsOpaque { get; private set; }

    /// <summary>The (empty, regular) file is marked as a whiteout.</summary>
    public bool IsWhiteout { get; private set; }

    /// <summary>The attribute that says that the file lies elsewhere; null when there is none.</summary>
    public string? Elsewhere { get; private set; }

    public ReadOnlySpan<byte> Name(int index) => _bytes.AsSpan(_items[index].Start, _items[index].NameLength);

    public ReadOnlySpan<byte> Value(int index) =>
        _bytes.AsSpan(_items[index].Start + _items[index].NameLength, _items[index].ValueLength);

    /// <summary>The number of the attribute of that name; -1 when there is none.</summary>
    public int IndexOf(ReadOnlySpan<byte> attribute)
    {
        for (var i = 0; i < _items.Count; i++)
        {
            if (Name(i).SequenceEqual(attribute))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Reads those of an open node (<paramref name="name"/> empty) or of a name in an open directory.</summary>
    /// <returns>False when they are more than <see cref="FileTreeLimits"/> allow.</returns>
    public bool TryRead(SafeFileHandle node, ReadOnlySpan<byte> name)
    {
        _items.Clear();
        _filled = 0;
        IsOpaque = false;
        IsWhiteout = false;
        Elsewhere = null;
        ReadOnlySpan<byte> rest = _list.AsSpan(0, ExtendedAttributes.List(node, name, _list));
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOf((byte)0);
            var attribute = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            if (!attribute.IsEmpty && !TryTake(node, name, attribute))
            {
                return false;
            }
        }

        if (_items.Count > 1)
        {
            _items.Sort((a, b) => _bytes.AsSpan(a.Start, a.NameLength).SequenceCompareTo(_bytes.AsSpan(b.Start, b.NameLength)));
        }

        return true;
    }

    private bool TryTake(SafeFileHandle node, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute)
    {
        if (!AttributeRules.Travels(attribute))
        {
            return true;
        }

        var meaning = kind == FileTreeKind.OverlayUpper ? OverlayAttributes.Of(attribute) : OverlayMeaning.None;
        switch (meaning)
        {
            case OverlayMeaning.Private:
                return true;
            case OverlayMeaning.Whiteout:
                IsWhiteout = true;
                return true;
            case OverlayMeaning.Elsewhere:
                Elsewhere = TreePath.Show(attribute);
                return true;
            default:
                break;
        }

        if (_items.Count == FileTreeLimits.MaxAttributes || _filled > FileTreeLimits.MaxAttributeBytes)
        {
            return false;
        }

        Reserve(attribute.Length + FileTreeLimits.MaxAttributeValue);
        var place = _bytes.AsSpan(_filled);
        attribute.CopyTo(place);
        var length = attribute.Length;
        if (meaning == OverlayMeaning.Escaped)
        {
            length = OverlayAttributes.Unescape(place[..length]);
        }

        var value = ExtendedAttributes.Get(node, name, attribute, place.Slice(length, FileTreeLimits.MaxAttributeValue));
        if (value < 0)
        {
            return true; // removed since the list was read
        }

        if (meaning == OverlayMeaning.Opaque)
        {
            // "x" says something else: that files with the whiteout attribute lie here.
            IsOpaque = place.Slice(length, value).SequenceEqual("y"u8);
            return true;
        }

        _items.Add(new Item(_filled, length, value));
        _filled += length + value;
        return _filled <= FileTreeLimits.MaxAttributeBytes;
    }

    private void Reserve(int bytes)
    {
        if (_bytes.Length - _filled < bytes)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _filled + bytes));
        }
    }

    private readonly record struct Item(int Start, int NameLength, int ValueLength);
}
