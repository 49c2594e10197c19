using Checkpointer.Engine.FileState;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Streaming;

/// <summary>A snapshot as an image source: the files that CRIU made, without those that the engine captured beside them.</summary>
/// <param name="snapshot">The snapshot; nobody else serves images from this reader, which is lent the server's memory.</param>
/// <param name="prefix">Only files whose names begin so, which CRIU knows without it.</param>
internal sealed class SnapshotImage(SnapshotReader snapshot, string prefix = "") : IImageSource
{
    public IReadOnlyList<SnapshotFile> Files { get; } = Of(snapshot, prefix);

    public long AheadBytes => snapshot.AheadBytes;

    public int WantedBuffers => SnapshotReader.MostReadBuffers;

    public IImageFile Open(string name) => new SnapshotImageFile(snapshot.OpenFile(prefix + name));

    public Task LoadHeadsAsync(IEnumerable<string> names, CancellationToken cancellationToken) => snapshot.LoadHeadsAsync(names.Select(name => prefix + name), cancellationToken);

    public Task[] Decode(IReadOnlyList<ImageTarget> targets, int groups, CancellationToken cancellationToken) =>
        snapshot.Decode([.. targets.Select(static t => new RunTarget(t.Run.Stored!, t.Destination, t.Group))], groups, cancellationToken);

    public void Lend(IEnumerable<Memory<byte>> buffers) => snapshot.Lend(buffers);

    public Task TakeBackAsync() => snapshot.TakeBackAsync();

    /// <summary>The images of one tree, by the names that CRIU gave them.</summary>
    public static IReadOnlyList<SnapshotFile> Of(SnapshotReader snapshot, string prefix) =>
    [
        .. snapshot.Files
            .Where(f => !StateFile.IsOurs(f.Name) && f.Name.StartsWith(prefix, StringComparison.Ordinal))
            .Select(f => f with { Name = f.Name[prefix.Length..] }),
    ];

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
