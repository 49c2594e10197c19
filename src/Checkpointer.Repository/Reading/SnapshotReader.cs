namespace Checkpointer.Repository;

/// <summary>
/// An opened snapshot: manifest and map index are authenticated and in memory, everything else is read on demand. Thread-safe.
/// Memory: the index (about 1.5 MiB for 1 TiB), one segment per open file, and <see cref="DecodeBytes"/>.
/// </summary>
public sealed class SnapshotReader : IAsyncDisposable
{
    private readonly IBackend _backend;
    private readonly KeyRing _keys;
    private readonly ObjectId _map;
    private readonly Dictionary<string, MapIndexFile> _files;

    internal SnapshotReader(IBackend backend, KeyRing keys, SnapshotInfo info, ObjectId map, MapIndex index)
    {
        _backend = backend;
        _keys = keys;
        _map = map;
        Info = info;
        Packs = index.Packs;
        Files = [.. index.Files.Select(f => f.File)];
        _files = index.Files.ToDictionary(f => f.File.Name, StringComparer.Ordinal);
        Decoder = new RunDecoder(backend, keys);
    }

    /// <summary>Bytes that all decoding of one snapshot takes at most, beyond the destinations.</summary>
    public static long DecodeBytes => RunDecoder.MemoryBytes;

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
    public ValueTask DisposeAsync()
    {
        Decoder.Dispose();
        return ValueTask.CompletedTask;
    }

    internal Task<ChunkEntry[]> ReadSegmentAsync(MapSegment segment, CancellationToken cancellationToken) =>
        MapReader.ReadSegmentAsync(_backend, _keys, _map, Packs, segment, cancellationToken);
}
