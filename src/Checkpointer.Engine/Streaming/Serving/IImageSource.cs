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
    ValueTask<ChunkRun?> NextRunAsync(int maxRawBytes, CancellationToken cancellationToken);

    /// <summary>Returns at once; fetches, authenticates and decodes on a thread of the pool, and bounds itself how many of these run at a time.</summary>
    Task DecodeAsync(ChunkRun run, Memory<byte> destination, CancellationToken cancellationToken);
}

/// <summary>A snapshot as an image source.</summary>
internal sealed class SnapshotImage(SnapshotReader snapshot) : IImageSource
{
    public IReadOnlyList<SnapshotFile> Files => snapshot.Files;

    public IImageFile Open(string name) => new SnapshotImageFile(snapshot.OpenFile(name));

    private sealed class SnapshotImageFile(FileReader reader) : IImageFile
    {
        public ValueTask<ChunkRun?> NextRunAsync(int maxRawBytes, CancellationToken cancellationToken) => reader.NextRunAsync(maxRawBytes, cancellationToken);

        public Task DecodeAsync(ChunkRun run, Memory<byte> destination, CancellationToken cancellationToken) =>
            reader.DecodeAsync(run, destination, cancellationToken);

        public void Dispose() => reader.Dispose();
    }
}
