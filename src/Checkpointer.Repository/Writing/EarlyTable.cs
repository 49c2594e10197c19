using System.Runtime.InteropServices;
using Checkpointer.Platform;

namespace Checkpointer.Repository;

/// <summary>
/// Chunks that were stored before anybody knew whether they belong to the snapshot, and the packs that hold them. A pack gets its number in the snapshot's map with
/// its first use there, so that one of which nothing is used is nobody's. Filled first, searched afterwards without a lock. What does not fit is not
/// stored early. Thread-safe.
/// </summary>
internal sealed class EarlyTable(long memory)
{
    /// <summary>Bytes; measured over memory and files (docs/decisions/0009).</summary>
    private const int MeanChunk = 21 << 10;

    private readonly ResidentTable _table = new(Math.Max(1, ResidentTable.LinesIn(memory)));
    private readonly Lock _gate = new();
    private volatile ParentPacks? _numbers;
    private volatile bool _full;

    /// <summary>Bytes with which the chunks of <paramref name="content"/> bytes are known. Each block takes whole lines, so half of the places may stay empty.</summary>
    public static long MemoryFor(long content) => ((content / BlockPool.BlockSize) + 1) * ResidentTable.MemoryOf(LinesOfBlock);

    private static int LinesOfBlock => ResidentTable.LinesOf(2 * BlockPool.BlockSize / MeanChunk);

    /// <summary>The packs that are written early.</summary>
    public PackTable Packs { get; } = new();

    /// <summary>What comes now would not be known afterwards: storing it early is in vain.</summary>
    public bool IsFull => _full;

    /// <summary>Nothing can be added any more.</summary>
    public bool IsEnded => _numbers is not null;

    /// <summary>Takes over what one work item stored.</summary>
    public void Add(List<ChunkEntry> entries)
    {
        lock (_gate)
        {
            if (IsEnded)
            {
                throw new InvalidOperationException("the early part of the snapshot has ended");
            }

            _table.Insert(0, CollectionsMarshal.AsSpan(entries), null);
            _full = _table.FreeLines == 0;
        }
    }

    /// <summary>Whether such a chunk was stored already.</summary>
    public bool Knows(UInt128 hash, int rawLength)
    {
        lock (_gate)
        {
            return _table.Find(hash, rawLength) >= 0;
        }
    }

    /// <summary>Nothing is added from here on, and every pack is committed.</summary>
    /// <param name="packs">Those of the snapshot, which get these as they are used.</param>
    public void End(PackTable packs)
    {
        lock (_gate)
        {
            if (IsEnded)
            {
                return;
            }

            PackReference[] early = [.. Packs.Packs.Select(static p => new PackReference(p.Id, p.Length))];
            bool[] sound = new bool[early.Length];
            Array.Fill(sound, true);
            ParentPacks numbers = new(early, sound);
            numbers.Attach(packs);
            _numbers = numbers;
        }
    }

    /// <summary>Bytes of packs of which nothing is used: nobody's.</summary>
    public long UnusedBytes() => _numbers is { } numbers ? Packs.Packs.Where((_, i) => !numbers.IsTaken(i)).Sum(static p => p.Length) : 0;

    /// <summary>An equal chunk that was stored early, as an entry of the map; after the end only.</summary>
    public bool TryFind(UInt128 hash, int rawLength, out ChunkEntry entry)
    {
        if (_numbers is { } numbers && _table.Find(hash, rawLength) is var slot and >= 0)
        {
            entry = _table.Entry(slot);
            if (numbers.TryNumber(entry.Pack, out int number))
            {
                entry = entry with { Pack = number };
                return true;
            }
        }

        entry = default;
        return false;
    }
}
