namespace Checkpointer.Repository;

/// <summary>
/// Which segments of a large parent are in memory. It follows the capture: a chunk that is found draws the segments after its own into memory before they are
/// needed, and a sampled chunk that is found nowhere draws in the segment that holds it, wherever that is. Lookups never wait for the store: what is not in
/// memory yet counts as not found, and is stored again. Thread-safe.
/// </summary>
internal sealed class ParentWindow(ParentLayout layout, ParentPacks packs, ResidentTable table, SampleTable samples) : IDisposable
{
    /// <summary>Segments (about 21 MiB each) that are read ahead while chunks are found one segment after the other: 0.1 s of the fastest capture.</summary>
    internal const int MaxAhead = 16;

    /// <summary>At most one part in this many of the memory is filled ahead of one place.</summary>
    private const int AheadShare = 8;

    /// <summary>Segments read after a jump to a new place, which may be a single one.</summary>
    internal const int AheadOfJump = 2;

    /// <summary>Segments that may wait for the loader; more are asked for again when they are needed.</summary>
    internal const int MaxQueued = 64;

    /// <summary>Segments that were used are kept for this long while others come: workers are a few blocks apart, and content moves in small steps most often.</summary>
    internal const int KeepUsed = 8;

    private readonly object _gate = new();
    private readonly SegmentState[] _states = new SegmentState[layout.Count];
    private readonly Dictionary<int, Resident> _resident = [];
    private readonly LinkedList<int> _used = new();
    private readonly LinkedList<int> _ahead = new();
    private readonly Queue<int> _wanted = new();
    private readonly SemaphoreSlim _signal = new(0);
    private readonly int _aheadCount = Math.Clamp(
        table.Lines / ResidentTable.LinesOf(FormatConstants.MaxSegmentEntries) / AheadShare, AheadOfJump, MaxAhead);

    private int _last = -1;
    private bool _closed;

    /// <summary>Segments that were read while the capture ran, for tests and logs.</summary>
    public int Loads { get; private set; }

    /// <summary>Segments that were asked for and are not in memory yet, for tests.</summary>
    public int Pending
    {
        get
        {
            lock (_gate)
            {
                return _closed ? 0 : _states.Count(static s => s == SegmentState.Wanted);
            }
        }
    }

    /// <summary>Finds a chunk among what is in memory; the entry holds the parent's number of its pack.</summary>
    public bool TryFind(UInt128 hash, int rawLength, out ChunkEntry entry)
    {
        lock (_gate)
        {
            int slot = table.Find(hash, rawLength);
            if (slot >= 0)
            {
                entry = table.Entry(slot);
                int segment = table.SegmentOf(slot);
                if (segment != _last)
                {
                    _last = segment;
                    Touch(segment);
                }

                return true;
            }

            int sampled = samples.Find(hash);
            if (sampled >= 0)
            {
                Want(sampled, AheadOfJump);
            }
        }

        entry = default;
        return false;
    }

    /// <summary>A file is about to come: its first segments are read.</summary>
    public void Expect(string file)
    {
        (int first, int count) = layout.File(file);
        lock (_gate)
        {
            Want(first, Math.Min(count, _aheadCount));
        }
    }

    /// <summary>Takes over a segment that was read. Making room drops what was passed longest ago.</summary>
    public void Insert(int segment, ReadOnlySpan<ChunkEntry> entries)
    {
        lock (_gate)
        {
            if (_closed || _states[segment] == SegmentState.Resident)
            {
                return;
            }

            int needed = ResidentTable.LinesOf(entries.Length);
            while (table.FreeLines < needed && Victim() is { } victim)
            {
                Evict(victim);
            }

            _states[segment] = SegmentState.Resident;
            _resident.Add(segment, new Resident(table.Insert(segment, entries, packs), _ahead.AddLast(segment)));
        }
    }

    /// <summary>Waits until segments are wanted, and takes the first with its neighbours. Empty: another loader was faster.</summary>
    public async ValueTask<int[]> TakeAsync(CancellationToken cancellationToken)
    {
        await _signal.WaitAsync(cancellationToken).ConfigureAwait(false);
        List<int> taken = [];
        lock (_gate)
        {
            while (taken.Count < MaxAhead && _wanted.TryPeek(out int next) && (taken.Count == 0 || next == taken[^1] + 1))
            {
                taken.Add(_wanted.Dequeue());
            }

            Loads += taken.Count;
        }

        return [.. taken];
    }

    /// <summary>The parent can no longer be read: what is in memory stays, nothing more is asked for.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            _wanted.Clear();
        }
    }

    public void Dispose() => _signal.Dispose();

    private void Touch(int segment)
    {
        bool sequential = segment > 0 && _resident.TryGetValue(segment - 1, out Resident? before) && before.Node.List == _used;
        Resident resident = _resident[segment];
        resident.Node.List!.Remove(resident.Node);
        _used.AddLast(resident.Node);
        Want(segment + 1, sequential ? _aheadCount : AheadOfJump);
    }

    private void Want(int first, int count)
    {
        for (int segment = first; segment < Math.Min(first + count, layout.Count); segment++)
        {
            if (_states[segment] == SegmentState.Absent && !_closed && _wanted.Count < MaxQueued)
            {
                _states[segment] = SegmentState.Wanted;
                _wanted.Enqueue(segment);
                _signal.Release();
            }
        }
    }

    private int? Victim() =>
        _used.Count > KeepUsed || _ahead.Count == 0 ? _used.First?.Value : _ahead.First?.Value;

    private void Evict(int segment)
    {
        _resident.Remove(segment, out Resident? resident);
        resident!.Node.List!.Remove(resident.Node);
        table.Remove(resident.Lines);
        _states[segment] = SegmentState.Absent;
        if (_last == segment)
        {
            _last = -1;
        }
    }

    private sealed record Resident(int[] Lines, LinkedListNode<int> Node);

    private enum SegmentState : byte
    {
        Absent,
        Wanted,
        Resident,
    }
}
