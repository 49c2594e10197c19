namespace Checkpointer.Repository;

/// <summary>Groups the entries of a segment into runs.</summary>
internal static class RunBuilder
{
    /// <summary>The run that begins at <paramref name="at"/>, which moves behind it.</summary>
    public static ChunkRun Next(ChunkEntry[] entries, ref int at, long fileOffset, int maxRawBytes, IReadOnlyList<PackReference> packs)
    {
        int first = at;
        ChunkEntry entry = entries[at++];
        int raw = entry.RawLength;
        if (entry.Kind == EntryKind.Zero)
        {
            while (at < entries.Length && entries[at].Kind == EntryKind.Zero && (long)raw + entries[at].RawLength <= FormatConstants.MaxZeroRun)
            {
                raw += entries[at++].RawLength;
            }

            return new ChunkRun(fileOffset, raw, isZero: true);
        }

        int stored = entry.FrameLength;
        while (at < entries.Length && Follows(entries[at - 1], entries[at]) && (long)raw + entries[at].RawLength <= maxRawBytes)
        {
            raw += entries[at].RawLength;
            stored += entries[at++].FrameLength;
        }

        return new ChunkRun(fileOffset, raw, isZero: false)
        {
            StoredLength = stored,
            Pack = packs[entry.Pack],
            Chunks = new ArraySegment<ChunkEntry>(entries, first, at - first),
        };
    }

    /// <summary>Whether the second chunk lies directly behind the first in one pack.</summary>
    private static bool Follows(ChunkEntry a, ChunkEntry b) =>
        b.Kind == EntryKind.Chunk && a.Pack == b.Pack && a.Offset + a.FrameLength == b.Offset && a.Frame + 1 == b.Frame;
}
