namespace Checkpointer.Repository;

/// <summary>Reads segments of a parent's map in ranges: several that lie side by side by one read. One user at a time.</summary>
internal sealed class SegmentReader(IBackend backend, KeyRing keys, ParentLayout layout) : IDisposable
{
    /// <summary>Bytes of one read: about 14 full segments, enough to hide a remote store's latency behind a few of them.</summary>
    internal const int ReadBytes = 512 << 10;

    private const int MaxPlain = FormatConstants.MaxSegmentEntries * FormatConstants.EntrySize;

    private readonly FrameCipher _cipher = keys.ForObject(ObjectKind.Map, layout.Map);
    private readonly byte[] _buffer = new byte[ReadBytes];
    private readonly byte[] _plain = new byte[MaxPlain];

    /// <summary>Entries in memory; see <see cref="ChunkEntry"/>.</summary>
    private readonly ChunkEntry[] _entries = new ChunkEntry[FormatConstants.MaxSegmentEntries];

    /// <summary>Bytes that one reader holds.</summary>
    public static int MemoryBytes => ReadBytes + MaxPlain + (FormatConstants.MaxSegmentEntries * 48);

    /// <summary>How many of the next segments (numbers in the order of their offsets) one read can take: at least one.</summary>
    public int Fit(ReadOnlySpan<int> segments)
    {
        long start = layout[segments[0]].Offset;
        int count = 1;
        while (count < segments.Length && End(segments[count]) - start <= ReadBytes && layout[segments[count]].Offset == End(segments[count - 1]))
        {
            count++;
        }

        return count;
    }

    /// <summary>Reads segments that <see cref="Fit"/> said fit, and hands each to <paramref name="use"/>, whose entries are valid during the call.</summary>
    public async ValueTask ReadAsync(ReadOnlyMemory<int> segments, SegmentUse use, CancellationToken cancellationToken)
    {
        string name = ObjectNames.Map(layout.Map);
        long start = layout[segments.Span[0]].Offset;
        int length = (int)(End(segments.Span[^1]) - start);
        await MapReader.ReadExactlyAsync(backend, name, start, _buffer.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
        foreach (int number in segments.Span)
        {
            MapSegment segment = layout[number];
            int frame = Length(segment);
            Span<byte> plain = _plain.AsSpan(0, segment.Entries * FormatConstants.EntrySize);
            Span<ChunkEntry> entries = _entries.AsSpan(0, segment.Entries);
            MapReader.OpenSegment(_cipher, layout.Packs, segment, _buffer.AsSpan((int)(segment.Offset - start), frame), plain, entries, name);
            use(number, entries);
        }
    }

    public void Dispose() => _cipher.Dispose();

    private static int Length(MapSegment segment) => (segment.Entries * FormatConstants.EntrySize) + FormatConstants.FrameOverhead;

    private long End(int segment) => layout[segment].Offset + Length(layout[segment]);
}

/// <summary>Takes the entries of one segment.</summary>
internal delegate void SegmentUse(int segment, ReadOnlySpan<ChunkEntry> entries);
