namespace Checkpointer.Repository;

/// <summary>Reads every entry of a map in order; one file and a few segments at a time are in memory.</summary>
internal static class MapScanner
{
    /// <summary>Segments read at once, 36 KiB each: hides a remote store's latency.</summary>
    private const int Ahead = 8;

    public static async Task ScanAsync(
        IBackend backend, KeyRing keys, ObjectId map, MapIndex index, Action<ChunkEntry> visit, CancellationToken cancellationToken)
    {
        string name = ObjectNames.Map(map);
        foreach (MapIndexFile file in index.Files)
        {
            foreach (MapSegment[] batch in file.Segments.Chunk(Ahead))
            {
                ChunkEntry[][] entries = await Task.WhenAll(
                    batch.Select(s => MapReader.ReadSegmentAsync(backend, keys, map, index.Packs, s, cancellationToken))).ConfigureAwait(false);
                foreach (ChunkEntry entry in entries.SelectMany(e => e))
                {
                    if (entry.Kind == EntryKind.Chunk && !IsPossible(entry))
                    {
                        throw Damage.Of(name, "an entry has a frame number that cannot be at its offset");
                    }

                    visit(entry);
                }
            }
        }
    }

    /// <summary>So many frames must fit before it: bounds what a number from the store can make us allocate.</summary>
    private static bool IsPossible(ChunkEntry entry) =>
        entry.Frame <= (entry.Offset - FormatConstants.ObjectHeaderSize) / (FormatConstants.FrameOverhead + 1);
}
