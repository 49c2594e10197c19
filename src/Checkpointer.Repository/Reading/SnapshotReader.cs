namespace Checkpointer.Repository;

/// <summary>
/// An opened snapshot: manifest and map index are authenticated and in memory, everything else is read on demand. Thread-safe.
/// Memory: the index (about 1.5 MiB for 1 TiB), two segments per open file, one bit for each chunk that was read, and <see cref="DecodeBytes"/>.
/// </summary>
public sealed class SnapshotReader : IAsyncDisposable
{
    private readonly IBackend _backend;
    private readonly KeyRing _keys;
    private readonly ObjectId _map;
    private readonly Dictionary<string, MapIndexFile> _files;
    private readonly ReadWindow _window;
    private readonly SegmentHeads _heads;

    internal SnapshotReader(IBackend backend, KeyRing keys, SnapshotInfo info, ObjectId map, MapIndex index, ReadWindow? window = null)
    {
        _backend = backend;
        _keys = keys;
        _map = map;
        Info = info;
        Packs = index.Packs;
        Files = [.. index.Files.Select(f => f.File)];
        _files = index.Files.ToDictionary(f => f.File.Name, StringComparer.Ordinal);
        _window = window ?? new ReadWindow(TimeProvider.System);
        Decoder = new RunDecoder(backend, keys, _window);
        _heads = new SegmentHeads(backend, keys, map, Packs);
    }

    /// <summary>Bytes that all decoding of one snapshot takes at most, beyond the destinations.</summary>
    public static long DecodeBytes => RunDecoder.MemoryBytes;

    /// <summary>
    /// Bytes of one file that are worth reading ahead of its reader, by the latency that the store has shown so far: so much hides it, more only takes memory.
    /// </summary>
    public long AheadBytes => _window.AheadBytes;

    /// <summary>Buffers of <see cref="ReadBufferBytes"/> that can be of use beyond those that this has by itself.</summary>
    public static int MostReadBuffers => ReadWindow.MostReads - ReadBuffers.Own;

    /// <summary>Bytes.</summary>
    public static int ReadBufferBytes => ReadBuffers.Size;

    /// <summary>What was read out of packs so far.</summary>
    public ReadStatistics Statistics => Decoder.Statistics;

    public SnapshotInfo Info { get; }

    /// <summary>In the order of their names (ordinal).</summary>
    public IReadOnlyList<SnapshotFile> Files { get; }

    internal ObjectId Map => _map;

    internal IReadOnlyList<PackReference> Packs { get; }

    internal RunDecoder Decoder { get; }

    public bool Contains(string name) => _files.ContainsKey(name);

    /// <summary>Code snapshot-file-not-found when absent. Any number of readers may be open, several of one file too.</summary>
    public FileReader OpenFile(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _files.TryGetValue(name, out MapIndexFile? file)
            ? new FileReader(this, file)
            : throw new RepositoryException(RepositoryCodes.FileNotFound, $"snapshot {Info.Id} holds no file '{name}'");
    }

    /// <summary>Memory for more reads at once; it is in use until <see cref="TakeBackAsync"/> has ended. Once.</summary>
    public void Lend(IEnumerable<Memory<byte>> buffers) => Decoder.Buffers.Lend(buffers);

    /// <summary>Waits for the reads that use lent memory; later ones do not.</summary>
    public Task TakeBackAsync() => Decoder.Buffers.TakeBackAsync();

    /// <summary>
    /// Reads, authenticates and decompresses many runs, of any files, given in the order in which they are needed: what lies near each other in the store is fetched by one
    /// read, and many reads are on their way at once. Answers one task for each of the groups, numbered from 0: it ends when all bytes of the group are there, or with
    /// RepositoryException (repository-damaged) that names the object; either way nothing writes into the group's memory any more.
    /// </summary>
    public Task[] Decode(IReadOnlyList<RunTarget> targets, int groups, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(targets);
        if (targets.FirstOrDefault(static t => t.Run.IsZero || t.Destination.Length < t.Run.RawLength) is { Run: not null } wrong)
        {
            throw new ArgumentException($"a run at {wrong.Run.Offset} is of zeroes, or longer than its destination", nameof(targets));
        }

        return Decoder.Start(targets, groups, verifyHash: false, cancellationToken);
    }

    /// <summary>
    /// Reads the first part of the map of several files by few requests, for those that are opened next. It is kept until then: at most 48 KiB for each. Unknown names
    /// are passed over.
    /// </summary>
    public Task LoadHeadsAsync(IEnumerable<string> names, CancellationToken cancellationToken) => _heads.LoadAsync(
        [.. names.Select(n => _files.GetValueOrDefault(n)).Where(static f => f is { Segments.Length: > 0 }).Select(static f => f!.Segments[0])], _window.MaxGap, cancellationToken);

    /// <summary>Reads a whole small file; for those that hold a description, not memory. Code repository-damaged when it is longer than <paramref name="maxLength"/> bytes.</summary>
    public async Task<byte[]> ReadSmallFileAsync(string name, int maxLength, CancellationToken cancellationToken)
    {
        using FileReader reader = OpenFile(name);
        if (reader.File.Length > maxLength)
        {
            throw Damage.Of(ObjectNames.Map(_map), $"the file '{name}' has {reader.File.Length} bytes, more than the {maxLength} that it may have");
        }

        byte[] data = new byte[reader.File.Length];
        while (await reader.NextRunAsync(FileReader.MaxChunk, cancellationToken).ConfigureAwait(false) is { } run)
        {
            await reader.DecodeAsync(run, data.AsMemory((int)run.Offset, run.RawLength), cancellationToken).ConfigureAwait(false);
        }

        return data;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    internal Task<ChunkEntry[]> ReadSegmentAsync(MapSegment segment, CancellationToken cancellationToken) =>
        _heads.Take(segment) is { } loaded
            ? Task.FromResult(loaded)
            : MapReader.ReadSegmentAsync(_backend, _keys, _map, Packs, segment, cancellationToken);
}
