using Checkpointer.Engine.FileState;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Streaming;

/// <summary>Where the files of an image come from when they are served. Thread-safe.</summary>
internal interface IImageSource
{
    IReadOnlyList<SnapshotFile> Files { get; }

    IImageFile Open(string name);
}

/// <summary>One file being read: a cursor for one user, and a decoder for many (see <see cref="FileReader"/>, whose rules hold here).</summary>
internal interface IImageFile : IDisposable
{
    ValueTask<ImageRun?> NextRunAsync(int maxRawBytes, CancellationToken cancellationToken);

    /// <summary>
    /// Returns at once; fetches, authenticates and decodes on a thread of the pool, and bounds itself how many of these run at a time.
    /// </summary>
    Task DecodeAsync(ImageRun run, Memory<byte> destination, CancellationToken cancellationToken);
}

/// <summary>
/// Adjacent bytes of a file that are decoded together, or zeroes. <paramref name="Stored"/> is the source's own note of where they are.
/// </summary>
internal readonly record struct ImageRun(long Offset, int RawLength, bool IsZero, ChunkRun? Stored);

/// <summary>A snapshot as an image source: the files that CRIU made, without those that the engine captured beside them.</summary>
internal sealed class SnapshotImage(SnapshotReader snapshot) : IImageSource
{
    public IReadOnlyList<SnapshotFile> Files { get; } =
        [.. snapshot.Files.Where(f => !StateFile.IsOurs(f.Name))];

    public IImageFile Open(string name) => new SnapshotImageFile(snapshot.OpenFile(name));

    private sealed class SnapshotImageFile(FileReader reader) : IImageFile
    {
        public async ValueTask<ImageRun?> NextRunAsync(int maxRawBytes, CancellationToken cancellationToken)
        {
            ChunkRun? run = await reader.NextRunAsync(maxRawBytes, cancellationToken).ConfigureAwait(false);
            return run is null ? null : new ImageRun(run.Offset, run.RawLength, run.IsZero, run);
        }

        public Task DecodeAsync(ImageRun run, Memory<byte> destination, CancellationToken cancellationToken) =>
            reader.DecodeAsync(run.Stored!, destination, cancellationToken);

        public void Dispose() => reader.Dispose();
    }
}
