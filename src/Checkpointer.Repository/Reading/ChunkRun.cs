namespace Checkpointer.Repository;

/// <summary>Adjacent bytes of a file that are fetched by one ranged read, or zeroes that are nowhere stored.</summary>
public sealed record ChunkRun
{
    /// <summary>Bytes: a zero run is split here, so that lengths fit an int.</summary>
    public const int MaxZeroRun = FormatConstants.MaxZeroRun;

    internal ChunkRun(long offset, int rawLength, bool isZero)
    {
        Offset = offset;
        RawLength = rawLength;
        IsZero = isZero;
    }

    /// <summary>Where the run starts in the file.</summary>
    public long Offset { get; }

    /// <summary>Bytes of the file that the run covers; up to <see cref="MaxZeroRun"/> for zeroes.</summary>
    public int RawLength { get; }

    /// <summary>True: nothing is stored; <see cref="FileReader.DecodeAsync"/> need not be called.</summary>
    public bool IsZero { get; }

    /// <summary>Bytes of the ranged read.</summary>
    public int StoredLength { get; internal init; }

    internal PackReference Pack { get; init; }

    /// <summary>The chunks, adjacent in the pack; a slice of the segment, which nobody changes.</summary>
    internal ArraySegment<ChunkEntry> Chunks { get; init; }

    /// <summary>
    /// Both runs as one ranged read, where the other lies directly behind this one in the store: zeroes between them in the file are stored nowhere, so it often does.
    /// What is decoded is the bytes of the one and then those of the other, without what lies between them in the file. Null: they cannot be joined.
    /// </summary>
    /// <param name="next">A later run of the same file.</param>
    /// <param name="maxStored">The longest read, in bytes.</param>
    public ChunkRun? Join(ChunkRun? next, int maxStored) =>
        next is null || IsZero || next.IsZero || (long)StoredLength + next.StoredLength > maxStored || !RunBuilder.Follows(Chunks[^1], next.Chunks[0])
            ? null
            : new ChunkRun(Offset, RawLength + next.RawLength, isZero: false)
            {
                StoredLength = StoredLength + next.StoredLength,
                Pack = Pack,
                Chunks = new ArraySegment<ChunkEntry>([.. Chunks, .. next.Chunks]),
            };
}
