using System.Buffers.Binary;
using System.Globalization;

namespace Checkpointer.Repository;

/// <summary>
/// Where the frames of a pack are that was rewritten: an object <c>moves/PACK</c>. A frame that was moved has the same header and payload, sealed anew under the key
/// of its new pack; so maps that name the old pack stay true.
/// </summary>
internal sealed class PackMove
{
    private const int TargetSize = ObjectId.Size + 8;

    private readonly int[] _offsets;
    private readonly (int Target, int Offset, int Frame)[] _places;

    private PackMove(ObjectId pack, long length, PackReference[] targets, int[] offsets, (int Target, int Offset, int Frame)[] places)
    {
        Pack = pack;
        Length = length;
        Targets = targets;
        _offsets = offsets;
        _places = places;
    }

    /// <summary>The pack that was rewritten.</summary>
    public ObjectId Pack { get; }

    /// <summary>The length that it had.</summary>
    public long Length { get; }

    public IReadOnlyList<PackReference> Targets { get; }

    public int Count => _offsets.Length;

    /// <summary>Bytes in memory, about.</summary>
    public long MemoryBytes => ((long)Count * FormatConstants.MoveEntrySize) + (Targets.Count * TargetSize);

    /// <summary>Where the frame that began at an offset of the old pack is now; false: it was not alive when the pack was rewritten.</summary>
    public bool TryFind(int offset, out (PackReference Pack, int Offset, int Frame) place)
    {
        int at = Array.BinarySearch(_offsets, offset);
        place = at < 0 ? default : (Targets[_places[at].Target], _places[at].Offset, _places[at].Frame);
        return at >= 0;
    }

    /// <summary>The same chunks where they are now, in as few pieces as they are adjacent there. Code repository-damaged for one that was not moved.</summary>
    public IEnumerable<(ObjectId Pack, ChunkEntry[] Chunks)> Translate(ArraySegment<ChunkEntry> chunks)
    {
        ObjectId pack = default;
        List<ChunkEntry> piece = [];
        foreach (ChunkEntry chunk in chunks)
        {
            if (!TryFind(chunk.Offset, out (PackReference Pack, int Offset, int Frame) place))
            {
                throw Damage.Of(
                    ObjectNames.Move(Pack), string.Create(CultureInfo.InvariantCulture, $"frame {chunk.Frame} at {chunk.Offset} was not moved, although its pack is gone"));
            }

            if (piece.Count > 0 && (place.Pack.Id != pack || place.Offset != piece[^1].Offset + piece[^1].FrameLength))
            {
                yield return (pack, [.. piece]);
                piece.Clear();
            }

            pack = place.Pack.Id;
            piece.Add(chunk with { Offset = place.Offset, Frame = place.Frame });
        }

        yield return (pack, [.. piece]);
    }

    /// <summary>The text of a move. Entries are in ascending order of their old offsets.</summary>
    public static byte[] Write(long oldLength, IReadOnlyList<PackReference> targets, IReadOnlyList<(int Old, int Target, int Offset, int Frame)> entries)
    {
        byte[] text = new byte[8 + 4 + (targets.Count * TargetSize) + 4 + (entries.Count * FormatConstants.MoveEntrySize)];
        BinaryPrimitives.WriteInt64LittleEndian(text, oldLength);
        BinaryPrimitives.WriteInt32LittleEndian(text.AsSpan(8), targets.Count);
        Span<byte> at = text.AsSpan(12);
        foreach (PackReference target in targets)
        {
            target.Id.Write(at);
            BinaryPrimitives.WriteInt64LittleEndian(at[ObjectId.Size..], target.Length);
            at = at[TargetSize..];
        }

        BinaryPrimitives.WriteInt32LittleEndian(at, entries.Count);
        at = at[4..];
        foreach ((int old, int target, int offset, int frame) in entries)
        {
            BinaryPrimitives.WriteInt32LittleEndian(at, old);
            BinaryPrimitives.WriteInt32LittleEndian(at[4..], target);
            BinaryPrimitives.WriteInt32LittleEndian(at[8..], offset);
            BinaryPrimitives.WriteInt32LittleEndian(at[12..], frame);
            at = at[FormatConstants.MoveEntrySize..];
        }

        return text;
    }

    /// <summary>Every count is checked against the bytes that are there before memory is taken for it. Code repository-damaged.</summary>
    public static PackMove Read(ObjectId pack, ReadOnlySpan<byte> text, string name)
    {
        if (text.Length < 16)
        {
            throw Malformed(name);
        }

        long length = BinaryPrimitives.ReadInt64LittleEndian(text);
        int targetCount = BinaryPrimitives.ReadInt32LittleEndian(text[8..]);
        text = text[12..];
        if (!IsPackLength(length) || targetCount is < 1 or > FormatConstants.MaxMoveTargets || text.Length < (targetCount * TargetSize) + 4)
        {
            throw Malformed(name);
        }

        PackReference[] targets = new PackReference[targetCount];
        for (int i = 0; i < targetCount; i++)
        {
            targets[i] = new PackReference(ObjectId.Read(text), BinaryPrimitives.ReadInt64LittleEndian(text[ObjectId.Size..]));
            text = text[TargetSize..];
            if (!IsPackLength(targets[i].Length) || targets[i].Id == pack)
            {
                throw Malformed(name);
            }
        }

        int count = BinaryPrimitives.ReadInt32LittleEndian(text);
        text = text[4..];
        if (count is < 1 or > FormatConstants.MaxMoveEntries || text.Length != count * FormatConstants.MoveEntrySize)
        {
            throw Malformed(name);
        }

        int[] offsets = new int[count];
        (int Target, int Offset, int Frame)[] places = new (int, int, int)[count];
        int previous = 0;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = text[(i * FormatConstants.MoveEntrySize)..];
            int old = BinaryPrimitives.ReadInt32LittleEndian(entry);
            int target = BinaryPrimitives.ReadInt32LittleEndian(entry[4..]);
            int offset = BinaryPrimitives.ReadInt32LittleEndian(entry[8..]);
            int frame = BinaryPrimitives.ReadInt32LittleEndian(entry[12..]);
            if (old <= previous || old >= length || (uint)target >= (uint)targetCount || offset < FormatConstants.ObjectHeaderSize || offset >= targets[target].Length || frame < 0)
            {
                throw Malformed(name);
            }

            previous = old;
            offsets[i] = old;
            places[i] = (target, offset, frame);
        }

        return new PackMove(pack, length, targets, offsets, places);
    }

    private static bool IsPackLength(long length) =>
        length is > FormatConstants.ObjectHeaderSize + FormatConstants.EndFrameSize and <= FormatConstants.MaxPackLength;

    private static RepositoryException Malformed(string name) => Damage.Of(name, "it is malformed");
}
