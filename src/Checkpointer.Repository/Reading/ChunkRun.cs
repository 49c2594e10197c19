namespace Checkpointer.Repository;

/// <summary>Adjacent bytes of a file that are fetched by one ranged read, or zeroes that are nowhere stored.</summary>
public sealed record ChunkRun
{
    /// <summary>Where the run starts in the file.</summary>
    public required long Offset { get; init; }

    /// <summary>Bytes of the file that the run covers; up to <see cref="MaxZeroRun"/> for zeroes.</summary>
    public required int RawLength { get; init; }

    /// <summary>True: nothing is stored; <see cref="FileReader.DecodeAsync"/> need not be called.</summary>
    public required bool IsZero { get; init; }

    /// <summary>Bytes: a zero run is split here, so that lengths fit an int.</summary>
    public const int MaxZeroRun = 1 << 30;
}
