using Checkpointer.Engine.FileState;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Streaming;

/// <summary>A snapshot as an image source: the files that CRIU made, without those that the engine captured beside them.</summary>
internal sealed class SnapshotImage(SnapshotReader snapshot) : IImageSource
{
    public IReadOnlyList<SnapshotFile> Files { get; } =
        [.. snapshot.Files.Where(f => !StateFile.IsOurs(f.Name))];

    public long AheadBytes => snapshot.AheadBytes;

    public int WantedBuffers => SnapshotReader.MostReadBuffers;

    public IImageFile Open(string name) => new SnapshotImageFile(snapshot.OpenFile(name));

    public Task LoadHeadsAsync(IEnumerable<string> names, CancellationToken cancellationToken) => snapshot.LoadHeadsAsync(names, cancellationToken);

    public Task[] Decode(IReadOnlyList<ImageTarget> targets, int groups, CancellationToken cancellationToken) =>
        snapshot.Decode([.. targets.Select(static t => new RunTarget(t.Run.Stored!, t.Destination, t.Group))], groups, cancellationToken);

    public void Lend(IEnumerable<Memory<byte>> buffers) => snapshot.Lend(buffers);

    public Task TakeBackAsync() => snapshot.TakeBackAsync();

    private sealed class SnapshotImageFile(FileReader reader) : IImageFile
    {
        public async ValueTask<ImageRun?> NextRunAsync(int maxRawBytes, CancellationToken cancellationToken)
        {
            ChunkRun? run = await reader.NextRunAsync(maxRawBytes, cancellationToken).ConfigureAwait(false);
            return run is null ? null : new ImageRun(run.Offset, run.RawLength, run.IsZero, run);
        }

        public void Dispose() => reader.Dispose();
    }
}
