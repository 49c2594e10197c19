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
}
