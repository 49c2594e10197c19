namespace Checkpointer.Repository;

/// <summary>One ranged read of a pack, and the chunks that are taken out of it, in the order of their places there.</summary>
internal sealed record PackRead(ObjectId Pack, IReadOnlyList<ChunkTarget> Targets)
{
    public int Start => Targets[0].Chunk.Offset;

    /// <summary>A hostile map may let frames overlap, so the last to begin need not be the last to end.</summary>
    public int Length { get; } = Targets.Max(static t => t.Chunk.Offset + t.Chunk.FrameLength) - Targets[0].Chunk.Offset;

    /// <summary>Which groups wait for it.</summary>
    public IReadOnlyCollection<int> Groups { get; init; } = [];
}

/// <summary>
/// Turns runs into as few ranged reads as makes sense: chunks that lie near each other in a pack are fetched together, whatever lies between them in the file. So a pack
/// is read once where a file's parts alternate between packs, or where other content is between them. The reads come in the order in which their first byte is needed.
/// </summary>
internal static class ReadPlan
{
    /// <param name="targets">In the order of need.</param>
    /// <param name="maxGap">Bytes between two chunks that are rather read than left out by another request.</param>
    /// <param name="maxBytes">Bytes of one read; at least one frame.</param>
    public static List<PackRead> Make(IReadOnlyList<RunTarget> targets, int maxGap, int maxBytes)
    {
        List<Need> needs = Needs(targets);
        needs.Sort(static (a, b) => a.Pack != b.Pack
            ? a.Pack.CompareTo(b.Pack)
            : a.Target.Chunk.Offset != b.Target.Chunk.Offset ? a.Target.Chunk.Offset.CompareTo(b.Target.Chunk.Offset) : a.Order.CompareTo(b.Order));
        List<(int Order, PackRead Read)> reads = [];
        for (int first = 0; first < needs.Count;)
        {
            int next = first + 1;
            int end = End(needs[first]);
            while (next < needs.Count && IsNear(needs[first], needs[next], end, maxGap, maxBytes))
            {
                end = Math.Max(end, End(needs[next++]));
            }

            List<Need> part = needs[first..next];
            reads.Add((
                part.Min(static n => n.Order),
                new PackRead(part[0].Id, [.. part.Select(static n => n.Target)]) { Groups = part.Select(static n => n.Group).ToHashSet() }));
            first = next;
        }

        reads.Sort(static (a, b) => a.Order.CompareTo(b.Order));
        return [.. reads.Select(static r => r.Read)];
    }

    private static List<Need> Needs(IReadOnlyList<RunTarget> targets)
    {
        List<Need> needs = [];
        foreach (RunTarget target in targets)
        {
            Memory<byte> destination = target.Destination;
            foreach (ChunkEntry chunk in target.Run.Chunks)
            {
                needs.Add(new Need(chunk.Pack, target.Run.Pack.Id, new ChunkTarget(chunk, destination[..chunk.RawLength]), needs.Count, target.Group));
                destination = destination[chunk.RawLength..];
            }
        }

        return needs;
    }

    private static int End(Need need) => need.Target.Chunk.Offset + need.Target.Chunk.FrameLength;

    // Places in a pack are below 2^31, but their sums may not be.
    private static bool IsNear(Need first, Need next, int end, int maxGap, int maxBytes) =>
        next.Pack == first.Pack
        && next.Target.Chunk.Offset <= (long)end + maxGap
        && (long)Math.Max(end, End(next)) - first.Target.Chunk.Offset <= maxBytes;

    /// <summary>One chunk that is needed.</summary>
    private readonly record struct Need(int Pack, ObjectId Id, ChunkTarget Target, int Order, int Group);
}
