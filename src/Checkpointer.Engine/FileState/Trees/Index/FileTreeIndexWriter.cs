using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.FileState.Trees;

/// <summary>Encodes entries and hands them on in pieces of <see cref="Piece"/> bytes. The same tree gives the same bytes.</summary>
internal sealed class FileTreeIndexWriter
{
    /// <summary>Bytes collected before they go to the repository.</summary>
    private const int Piece = 64 << 10;

    private readonly FileWriter _file;
    private readonly List<FileTreeExtent> _whole = new(1);
    private byte[] _buffer = new byte[2 * Piece];
    private int _filled;
    private int _groups;

    public FileTreeIndexWriter(FileWriter file, FileTreeKind kind, FileTreePatterns patterns)
    {
        _file = file;
        Put(FileTreeFormat.Magic);
        Put([FileTreeFormat.Version, (byte)kind]);
        Number((ulong)patterns.Texts.Count);
        foreach (var text in patterns.Texts)
        {
            Text(text);
        }
    }

    /// <summary>Entries so far, without the root.</summary>
    public int Entries { get; private set; }

    /// <summary>The tree's root; before all entries.</summary>
    public void Root(in NodeStatus status, FileTreeAttributes attributes, bool opaque)
    {
        Put([(byte)((int)FileTreeEntryType.Directory | AttributesFlag(attributes) | (opaque ? FileTreeFormat.IsOpaque : 0))]);
        Status(status, attributes);
    }

    /// <summary>A directory; its entries follow, and then <see cref="End"/>.</summary>
    public void Directory(ReadOnlySpan<byte> name, in NodeStatus status, FileTreeAttributes attributes, bool opaque)
    {
        Begin(FileTreeEntryType.Directory, AttributesFlag(attributes) | (opaque ? FileTreeFormat.IsOpaque : 0), name);
        Status(status, attributes);
    }

    public void End()
    {
        Put([(byte)FileTreeEntryType.End]);
        Flush(Piece);
    }

    /// <returns>The number of its group when it is linked.</returns>
    public int Regular(
        ReadOnlySpan<byte> name, in NodeStatus status, FileTreeAttributes attributes, bool linked, long size, List<FileTreeExtent> extents)
    {
        _whole.Clear();
        if (size > 0)
        {
            _whole.Add(new FileTreeExtent(0, size));
        }

        var isWhole = extents.SequenceEqual(_whole);
        Begin(FileTreeEntryType.Regular, AttributesFlag(attributes) | LinkedFlag(linked) | (isWhole ? 0 : FileTreeFormat.HasExtents), name);
        Status(status, attributes);
        Number((ulong)size);
        if (!isWhole)
        {
            Number((ulong)extents.Count);
            long end = 0;
            foreach (var extent in extents)
            {
                Number((ulong)(extent.Start - end));
                Number((ulong)extent.Length);
                end = extent.Start + extent.Length;
            }
        }

        return linked ? _groups++ : -1;
    }

    /// <inheritdoc cref="Regular"/>
    public int SymbolicLink(ReadOnlySpan<byte> name, in NodeStatus status, FileTreeAttributes attributes, bool linked, ReadOnlySpan<byte> link)
    {
        Begin(FileTreeEntryType.SymbolicLink, AttributesFlag(attributes) | LinkedFlag(linked), name);
        Status(status, attributes);
        Text(link);
        return linked ? _groups++ : -1;
    }

    /// <summary>A fifo or a device.</summary>
    /// <inheritdoc cref="Regular"/>
    public int Special(FileTreeEntryType type, ReadOnlySpan<byte> name, in NodeStatus status, FileTreeAttributes attributes, bool linked)
    {
        Begin(type, AttributesFlag(attributes) | LinkedFlag(linked), name);
        Status(status, attributes);
        if (type != FileTreeEntryType.Fifo)
        {
            Number(status.RepresentedDevice.Major);
            Number(status.RepresentedDevice.Minor);
        }

        return linked ? _groups++ : -1;
    }

    public void HardLink(ReadOnlySpan<byte> name, int group)
    {
        Begin(FileTreeEntryType.HardLink, 0, name);
        Number((ulong)group);
    }

    /// <summary>A whiteout or something mounted: a name and no more.</summary>
    public void Bare(FileTreeEntryType type, ReadOnlySpan<byte> name) => Begin(type, 0, name);

    /// <summary>Nothing follows.</summary>
    public void Complete()
    {
        Number((ulong)Entries);
        Flush(1);
        _file.Complete();
    }

    private static int AttributesFlag(FileTreeAttributes attributes) => attributes.Count > 0 ? FileTreeFormat.HasAttributes : 0;

    private static int LinkedFlag(bool linked) => linked ? FileTreeFormat.IsLinked : 0;

    private void Begin(FileTreeEntryType type, int flags, ReadOnlySpan<byte> name)
    {
        Flush(Piece);
        Entries++;
        Put([(byte)((int)type | flags)]);
        Text(name);
    }

    private void Status(in NodeStatus status, FileTreeAttributes attributes)
    {
        Number((ulong)status.Mode);
        Number(status.Uid);
        Number(status.Gid);
        Number(Varint.Fold(status.ModifiedSeconds));
        Number(status.ModifiedNanoseconds);
        if (attributes.Count > 0)
        {
            Number((ulong)attributes.Count);
            for (var i = 0; i < attributes.Count; i++)
            {
                Text(attributes.Name(i));
                Text(attributes.Value(i));
            }
        }
    }

    private void Text(ReadOnlySpan<byte> text)
    {
        Number((ulong)text.Length);
        Put(text);
    }

    private void Number(ulong value)
    {
        Reserve(Varint.MaxLength);
        _filled += Varint.Write(value, _buffer.AsSpan(_filled));
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_filled));
        _filled += bytes.Length;
    }

    private void Reserve(int bytes)
    {
        if (_buffer.Length - _filled < bytes)
        {
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _filled + bytes));
        }
    }

    private void Flush(int least)
    {
        if (_filled >= least)
        {
            _file.Write(_buffer.AsSpan(0, _filled));
            _filled = 0;
        }
    }
}
