using System.Buffers;
using System.Collections.Concurrent;

namespace Checkpointer.Repository;

/// <summary>The first segments of many files, read ahead: they lie near each other in the map, so one request brings dozens. Thread-safe.</summary>
internal sealed class SegmentHeads(IBackend backend, KeyRing keys, ObjectId map, IReadOnlyList<PackReference> packs)
{
    /// <summary>Bytes of one read.</summary>
    private const int ReadBytes = 512 << 10;

    private readonly ConcurrentDictionary<long, ChunkEntry[]> _loaded = new();

    /// <summary>What was read ahead; it is the caller's from now on.</summary>
    public ChunkEntry[]? Take(MapSegment segment) => _loaded.TryRemove(segment.Offset, out ChunkEntry[]? entries) ? entries : null;

    public async Task LoadAsync(IReadOnlyList<MapSegment> segments, int maxGap, CancellationToken cancellationToken)
    {
        List<Task> reads = [];
        MapSegment[] sorted = [.. segments.OrderBy(static s => s.Offset)];
        for (int first = 0; first < sorted.Length;)
        {
            int next = first + 1;
            long end = End(sorted[first]);
            while (next < sorted.Length && sorted[next].Offset <= end + maxGap && End(sorted[next]) - sorted[first].Offset <= ReadBytes)
            {
                end = Math.Max(end, End(sorted[next++]));
            }

            reads.Add(LoadAsync(new ArraySegment<MapSegment>(sorted, first, next - first), (int)(end - sorted[first].Offset), cancellationToken));
            first = next;
        }

        await Task.WhenAll(reads).ConfigureAwait(false);
    }

    private static long End(MapSegment segment) => segment.Offset + FrameBytes(segment);

    private static int FrameBytes(MapSegment segment) => (segment.Entries * FormatConstants.EntrySize) + FormatConstants.FrameOverhead;

    private async Task LoadAsync(ArraySegment<MapSegment> segments, int length, CancellationToken cancellationToken)
    {
        string name = ObjectNames.Map(map);
        long start = segments[0].Offset;
        int plain = segments.Max(static s => s.Entries) * FormatConstants.EntrySize;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(length + plain);
        try
        {
            await MapReader.ReadExactlyAsync(backend, name, start, buffer.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
            using FrameCipher cipher = keys.ForObject(ObjectKind.Map, map);
            foreach (MapSegment segment in segments)
            {
                ChunkEntry[] entries = new ChunkEntry[segment.Entries];
                ReadOnlySpan<byte> frame = buffer.AsSpan((int)(segment.Offset - start), FrameBytes(segment));
                MapReader.OpenSegment(cipher, packs, segment, frame, buffer.AsSpan(length, segment.Entries * FormatConstants.EntrySize), entries, name);
                _loaded[segment.Offset] = entries;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
