namespace Checkpointer.Repository;

/// <summary>
/// For some of the parent's chunks, chosen by their hash: the segment that holds them. A handful of samples per segment is enough to find the new place of
/// content that moved (sparse indexing). 8 bytes a sample; a wrong answer (one in 2^32) costs one useless read of a segment. Not thread-safe while it is filled.
/// </summary>
internal sealed class SampleTable
{
    private const int SlotBytes = sizeof(uint) + sizeof(int);

    /// <summary>Free slots are kept at one in this many, so that probing stays short.</summary>
    private const int FreeShare = 4;

    private readonly uint[] _prints;

    /// <summary>Segment + 1; zero is a free slot.</summary>
    private readonly int[] _segments;
    private readonly ulong _limit;
    private readonly int _room;
    private int _count;

    /// <param name="entries">Entries of the whole map.</param>
    /// <param name="bytes">Memory of the table.</param>
    public SampleTable(long entries, long bytes)
    {
        long most = Math.Max(16, bytes / SlotBytes);
        long room = most - (most / FreeShare);
        long rate = Math.Max(1, (entries + room - 1) / room);
        int slots = (int)Math.Min(most, Math.Max(16, (entries / rate * FreeShare / (FreeShare - 1)) + FreeShare));
        _room = slots - (slots / FreeShare);
        _prints = new uint[slots];
        _segments = new int[slots];
        _limit = ulong.MaxValue / (ulong)rate;
        Rate = rate;
    }

    /// <summary>One chunk in this many is sampled.</summary>
    public long Rate { get; }

    public long MemoryBytes => _prints.Length * (long)SlotBytes;

    /// <summary>Remembers a chunk if it is one of the sampled. Of equal chunks the first counts; a full table remembers no more.</summary>
    public void Add(UInt128 hash, int segment)
    {
        if (!IsSample(hash) || _count == _room || Find(hash) >= 0)
        {
            return;
        }

        int at = Start(hash);
        while (_segments[at] != 0)
        {
            at = Next(at);
        }

        _prints[at] = Print(hash);
        _segments[at] = segment + 1;
        _count++;
    }

    /// <summary>The segment of a sampled chunk, or -1.</summary>
    public int Find(UInt128 hash)
    {
        if (!IsSample(hash))
        {
            return -1;
        }

        uint print = Print(hash);
        for (int at = Start(hash); _segments[at] != 0; at = Next(at))
        {
            if (_prints[at] == print)
            {
                return _segments[at] - 1;
            }
        }

        return -1;
    }

    private bool IsSample(UInt128 hash) => (ulong)(hash >> 64) <= _limit;

    private static uint Print(UInt128 hash) => (uint)(hash >> 64);

    private int Start(UInt128 hash) => (int)((UInt128)(ulong)hash * (ulong)_segments.Length >> 64);

    private int Next(int at) => at + 1 == _segments.Length ? 0 : at + 1;
}
