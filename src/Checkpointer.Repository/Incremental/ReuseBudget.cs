namespace Checkpointer.Repository;

/// <summary>
/// How <see cref="WriterOptions.ParentMemory"/> is divided. A parent whose entries all fit is held whole. For a larger one a quarter goes to samples
/// of the whole map (16 MiB hold one chunk in 33 of 1 TiB), an eighth at most to the map's index, and the rest to the entries near where the capture stands.
/// </summary>
internal static class ReuseBudget
{
    /// <summary>Bytes below which a search is not worth its code: some segments, some samples.</summary>
    public const long Least = 256 << 10;

    /// <summary>Bytes that the loaders use beside the tables: their buffers are made in any case.</summary>
    public static long LoaderBytes => SegmentLoader.Loops * (long)SegmentReader.MemoryBytes;

    /// <summary>Bytes of the map's index in memory, with the list of packs.</summary>
    public static long IndexBytes(long memory) => memory / 8;

    /// <summary>Bytes of the samples of a parent that is not held whole.</summary>
    public static long SampleBytes(long memory) => memory / 4;

    /// <summary>Bytes for entries of a parent that is not held whole.</summary>
    public static long EntryBytes(long memory) => memory - IndexBytes(memory) - SampleBytes(memory);

    /// <summary>Bytes for entries of a parent that is.</summary>
    public static long WholeBytes(long memory) => memory - IndexBytes(memory);
}
