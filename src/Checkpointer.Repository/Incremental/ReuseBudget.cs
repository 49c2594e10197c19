namespace Checkpointer.Repository;

/// <summary>
/// How <see cref="WriterOptions.ParentMemory"/> is divided. The map's index takes what it needs, at most half. A parent whose entries fit into the rest is held whole.
/// For a larger one a third of the rest goes to samples of the whole map (20 MiB hold one chunk in 26 of 1 TiB), and two thirds to the entries near where the capture stands.
/// </summary>
/// <param name="Memory">Bytes in all.</param>
/// <param name="Index">Bytes of the map's index in memory.</param>
internal readonly record struct ReuseBudget(long Memory, long Index)
{
    /// <summary>Bytes below which a search is not worth its code: some segments, some samples.</summary>
    public const long Least = 256 << 10;

    private const int IndexShare = 2;
    private const int SampleShare = 3;

    /// <summary>Bytes that a file of the index takes beside its encoding: its name as a string, objects, a place in a dictionary.</summary>
    private const int FileBytes = 256;

    /// <summary>Bytes that the loaders use beside the tables: their buffers are made in any case.</summary>
    public static long LoaderBytes => SegmentLoader.Loops * (long)SegmentReader.MemoryBytes;

    /// <summary>False: the index alone takes too much.</summary>
    public bool IsEnough => Index <= Memory / IndexShare;

    /// <summary>Bytes for entries of a parent that is held whole.</summary>
    public long WholeBytes => Memory - Index;

    /// <summary>Bytes of the samples of a parent that is not.</summary>
    public long SampleBytes => (Memory - Index) / SampleShare;

    /// <summary>Bytes for entries of a parent that is not.</summary>
    public long EntryBytes => Memory - Index - SampleBytes;

    /// <summary>The budget for a parent whose index has that encoded length and number of files. Decoded, segments and packs take up to twice their encoding.</summary>
    public static ReuseBudget For(long memory, long indexLength, int files) => new(memory, (indexLength * 2) + ((long)files * FileBytes));
}
