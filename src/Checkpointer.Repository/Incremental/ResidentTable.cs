using System.Runtime.InteropServices;

namespace Checkpointer.Repository;

/// <summary>
/// The parent's entries that are in memory, found by their hash. Fixed memory: entries lie in lines of <see cref="LineEntries"/>, a segment takes whole lines.
/// Of equal chunks only one is held. Not thread-safe: whoever changes it keeps the others out.
/// </summary>
internal sealed class ResidentTable
{
    public const int LineEntries = 64;
    private const int EntryBytes = 40;
    private const int LineBytes = (LineEntries * (EntryBytes + sizeof(int))) + (2 * sizeof(int));

    /// <summary>Marks the end of a chain; a free bucket is zero, so that untouched memory stays untouched.</summary>
    private const int End = 0;

    private readonly Slot[] _slots;
    private readonly int[] _heads;
    private readonly int[] _owners;
    private readonly Stack<int> _free = new();
    private int _fresh;

    public ResidentTable(long lines)
    {
        Lines = (int)Math.Min(lines, Array.MaxLength / LineEntries);
        _slots = GC.AllocateUninitializedArray<Slot>(Lines * LineEntries);
        _heads = new int[Lines * LineEntries];
        _owners = new int[Lines];
    }

    public int Lines { get; }

    public int FreeLines => Lines - _fresh + _free.Count;

    public long MemoryBytes => Lines * (long)LineBytes;

    public static int LinesOf(int entries) => (entries + LineEntries - 1) / LineEntries;

    public static long MemoryOf(long lines) => lines * LineBytes;

    /// <summary>Lines that fit into that many bytes.</summary>
    public static long LinesIn(long bytes) => bytes / LineBytes;

    /// <summary>Takes over a segment's chunks as far as lines are free, without those of packs that are not sound (null: all are); returns the lines, to be given to <see cref="Remove"/>.</summary>
    public int[] Insert(int segment, ReadOnlySpan<ChunkEntry> entries, ParentPacks? packs)
    {
        List<int> lines = [];
        int used = LineEntries;
        int line = 0;
        foreach (ref readonly ChunkEntry entry in entries)
        {
            if (entry.Kind != EntryKind.Chunk || packs?.IsSound(entry.Pack) == false || Find(entry.Hash, entry.RawLength) >= 0)
            {
                continue;
            }

            if (used == LineEntries)
            {
                if (FreeLines == 0)
                {
                    break;
                }

                line = _free.TryPop(out int freed) ? freed : _fresh++;
                _owners[line] = segment;
                lines.Add(line);
                used = 0;
            }

            Link((line * LineEntries) + used++, entry);
        }

        if (lines.Count > 0)
        {
            // What a line does not use must not look like an entry when it is removed.
            _slots.AsSpan((line * LineEntries) + used, LineEntries - used).Clear();
        }

        return [.. lines];
    }

    public void Remove(ReadOnlySpan<int> lines)
    {
        foreach (int line in lines)
        {
            for (int i = line * LineEntries; i < (line + 1) * LineEntries; i++)
            {
                if (_slots[i].RawLength != 0)
                {
                    Unlink(i);
                }
            }

            _free.Push(line);
        }
    }

    /// <summary>The number of the slot that holds such a chunk, or -1.</summary>
    public int Find(UInt128 hash, int rawLength)
    {
        ulong low = (ulong)hash;
        ulong high = (ulong)(hash >> 64);
        for (int at = _heads[Bucket(low)]; at != End; at = _slots[at - 1].Next)
        {
            ref readonly Slot slot = ref _slots[at - 1];
            if (slot.Low == low && slot.High == high && slot.RawLength == rawLength)
            {
                return at - 1;
            }
        }

        return -1;
    }

    /// <summary>The entry of a slot, with the parent's number of its pack.</summary>
    public ChunkEntry Entry(int slot)
    {
        ref readonly Slot found = ref _slots[slot];
        return new ChunkEntry(EntryKind.Chunk, new UInt128(found.High, found.Low), found.Pack, found.Offset, found.Frame, found.RawLength, found.FrameLength);
    }

    /// <summary>The segment that a slot's entry belongs to.</summary>
    public int SegmentOf(int slot) => _owners[slot / LineEntries];

    private void Link(int number, in ChunkEntry entry)
    {
        ref Slot slot = ref _slots[number];
        slot.Low = (ulong)entry.Hash;
        slot.High = (ulong)(entry.Hash >> 64);
        slot.Pack = entry.Pack;
        slot.Offset = entry.Offset;
        slot.Frame = entry.Frame;
        slot.RawLength = entry.RawLength;
        slot.FrameLength = entry.FrameLength;
        ref int head = ref _heads[Bucket(slot.Low)];
        slot.Next = head;
        head = number + 1;
    }

    private void Unlink(int number)
    {
        ref int link = ref _heads[Bucket(_slots[number].Low)];
        while (link != number + 1)
        {
            link = ref _slots[link - 1].Next;
        }

        link = _slots[number].Next;
    }

    private int Bucket(ulong low) => (int)((UInt128)low * (ulong)_heads.Length >> 64);

    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    private struct Slot
    {
        public ulong Low;
        public ulong High;
        public int Pack;
        public int Offset;
        public int Frame;
        public int RawLength;
        public int FrameLength;

        /// <summary>Number of the next slot of the bucket + 1.</summary>
        public int Next;
    }
}
