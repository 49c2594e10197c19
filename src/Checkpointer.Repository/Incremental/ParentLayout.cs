namespace Checkpointer.Repository;

/// <summary>The segments of a parent's map by one running number: file after file, each file's in order. A neighbour in number is a neighbour in the file.</summary>
internal sealed class ParentLayout
{
    /// <summary>Bytes per segment and per pack that a layout holds, with the state that the window keeps of a segment.</summary>
    public const int SegmentBytes = 24 + 8;

    private readonly MapSegment[] _segments;
    private readonly Dictionary<string, (int First, int Count)> _files;

    public ParentLayout(ObjectId map, MapIndex index)
    {
        Map = map;
        Packs = index.Packs;
        _segments = new MapSegment[index.Files.Sum(static f => f.Segments.Length)];
        _files = new Dictionary<string, (int First, int Count)>(index.Files.Count, StringComparer.Ordinal);
        int at = 0;
        foreach (MapIndexFile file in index.Files)
        {
            file.Segments.CopyTo(_segments, at);
            _files.Add(file.File.Name, (at, file.Segments.Length));
            at += file.Segments.Length;
        }
    }

    public ObjectId Map { get; }

    public IReadOnlyList<PackReference> Packs { get; }

    public int Count => _segments.Length;

    public MapSegment this[int segment] => _segments[segment];

    /// <summary>First segment and number of segments of each file.</summary>
    public IEnumerable<(int First, int Count)> Files => _files.Values;

    /// <summary>Entries of all segments: a bound from above for the chunks.</summary>
    public long Entries => _segments.Sum(static s => (long)s.Entries);

    /// <summary>Lines of the resident table that all segments would take.</summary>
    public long Lines => _segments.Sum(static s => (long)ResidentTable.LinesOf(s.Entries));

    /// <summary>Segments of the file with that name; none where the parent has no such file.</summary>
    public (int First, int Count) File(string name) => _files.GetValueOrDefault(name);

    /// <summary>All segments in the order in which they lie in the map object: what a scan reads.</summary>
    public int[] ByOffset()
    {
        int[] order = new int[_segments.Length];
        long[] offsets = new long[_segments.Length];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
            offsets[i] = _segments[i].Offset;
        }

        Array.Sort(offsets, order);
        return order;
    }
}
