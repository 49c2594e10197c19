using Checkpointer.Repository;

namespace Checkpointer.Engine.Streaming;

/// <summary>Where the files of an image come from when they are served. Thread-safe.</summary>
internal interface IImageSource
{
    IReadOnlyList<SnapshotFile> Files { get; }

    /// <summary>Bytes of one file that are worth reading ahead of its reader; may change with what is learned about the store.</summary>
    long AheadBytes { get; }

    /// <summary>Blocks of the pool that the source can use to have more reads on their way.</summary>
    int WantedBuffers { get; }

    IImageFile Open(string name);

    /// <summary>Prepares the opening of several files.</summary>
    Task LoadHeadsAsync(IEnumerable<string> names, CancellationToken cancellationToken);

    /// <summary>
    /// Fetches, authenticates and decodes runs, given in the order of need, in the background, and bounds itself how much is on its way. One task for each group, numbered
    /// from 0; it ends when nothing writes into the group's memory any more, also when it fails.
    /// </summary>
    Task[] Decode(IReadOnlyList<ImageTarget> targets, int groups, CancellationToken cancellationToken);

    /// <summary>Memory for reads, until <see cref="TakeBackAsync"/> has ended.</summary>
    void Lend(IEnumerable<Memory<byte>> buffers);

    Task TakeBackAsync();
}

/// <summary>One file being read: a cursor for one user (see <see cref="FileReader"/>, whose rules hold here).</summary>
internal interface IImageFile : IDisposable
{
    ValueTask<ImageRun?> NextRunAsync(int maxRawBytes, CancellationToken cancellationToken);
}

/// <summary>
/// Adjacent bytes of a file that are decoded together, or zeroes. <paramref name="Stored"/> is the source's own note of where they are.
/// </summary>
internal readonly record struct ImageRun(long Offset, int RawLength, bool IsZero, ChunkRun? Stored);

/// <summary>A run of a file, not of zeroes, where its bytes go, and which task tells that they are there.</summary>
internal readonly record struct ImageTarget(IImageFile File, ImageRun Run, Memory<byte> Destination, int Group);
