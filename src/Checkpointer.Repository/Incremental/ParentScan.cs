namespace Checkpointer.Repository;

/// <summary>
/// Reads a parent's map once, before the workload is frozen: 36 bytes for 21 KiB of image, 1.8 GB for 1 TiB. A parent that fits is kept whole. Of a larger one
/// samples are kept, and the segments that will be needed first.
/// </summary>
internal sealed class ParentScan(IBackend backend, KeyRing keys, ParentLayout layout, ParentPacks packs, ReuseBudget budget)
{
    /// <summary>Of each file this many segments are kept from the start, so that a file that begins finds them even where the store is slow.</summary>
    private const int FirstOfFile = 2;

    private readonly object _gate = new();
    private readonly int[] _order = layout.ByOffset();
    private int _next;

    /// <summary>True when everything fits.</summary>
    public bool Whole { get; } = layout.Lines <= ResidentTable.LinesIn(budget.WholeBytes);

    /// <summary>Reads everything and fills a table, by which chunks are found without the store.</summary>
    public async Task<ResidentTable> ReadWholeAsync(CancellationToken cancellationToken)
    {
        ResidentTable table = new(layout.Lines);
        await ReadAsync((segment, entries) => table.Insert(segment, entries, packs), cancellationToken).ConfigureAwait(false);
        return table;
    }

    /// <summary>Reads everything, and keeps samples and the first segments of each file.</summary>
    public async Task<(ResidentTable Table, SampleTable Samples, ParentWindow Window)> ReadWindowAsync(CancellationToken cancellationToken)
    {
        ResidentTable table = new(ResidentTable.LinesIn(budget.EntryBytes));
        SampleTable samples = new(layout.Entries, budget.SampleBytes);
        ParentWindow window = new(layout, packs, table, samples);
        bool[] kept = ChooseFirst(table.Lines);
        await ReadAsync(
            (segment, entries) =>
            {
                foreach (ref readonly ChunkEntry entry in entries)
                {
                    if (entry.Kind == EntryKind.Chunk && packs.IsSound(entry.Pack))
                    {
                        samples.Add(entry.Hash, segment);
                    }
                }

                if (kept[segment])
                {
                    window.Insert(segment, entries);
                }
            },
            cancellationToken).ConfigureAwait(false);
        return (table, samples, window);
    }

    private async Task ReadAsync(SegmentUse use, CancellationToken cancellationToken)
    {
        _next = 0;
        await Task.WhenAll(Enumerable.Range(0, SegmentLoader.Loops).Select(_ => Task.Run(() => LoopAsync(use, cancellationToken), cancellationToken)))
            .ConfigureAwait(false);
    }

    private async Task LoopAsync(SegmentUse use, CancellationToken cancellationToken)
    {
        using SegmentReader reader = new(backend, keys, layout);
        while (true)
        {
            ReadOnlyMemory<int> batch;
            lock (_gate)
            {
                if (_next == _order.Length)
                {
                    return;
                }

                batch = _order.AsMemory(_next);
                batch = batch[..reader.Fit(batch.Span)];
                _next += batch.Length;
            }

            await reader.ReadAsync(batch, Locked, cancellationToken).ConfigureAwait(false);
        }

        void Locked(int segment, ReadOnlySpan<ChunkEntry> entries)
        {
            lock (_gate)
            {
                use(segment, entries);
            }
        }
    }

    /// <summary>The first segments of each file while they take at most half of the room; then whole files in order, until three quarters are taken.</summary>
    private bool[] ChooseFirst(int lines)
    {
        bool[] kept = new bool[layout.Count];
        long left = lines / 2;
        foreach ((int first, int count) in layout.Files)
        {
            Keep(first, Math.Min(count, FirstOfFile));
        }

        left += lines / 4;
        Keep(0, layout.Count);
        return kept;

        void Keep(int first, int count)
        {
            for (int segment = first; segment < first + count; segment++)
            {
                int needed = ResidentTable.LinesOf(layout[segment].Entries);
                if (!kept[segment] && needed <= left)
                {
                    kept[segment] = true;
                    left -= needed;
                }
            }
        }
    }
}
