namespace Checkpointer.Repository;

/// <summary>
/// A sequential cursor over one file; holds at most two segments of the map (48 KiB each): the next is read while one is being used. The cursor has one user; <see cref="DecodeAsync"/> may run many times at once, on any thread.
/// </summary>
public sealed class FileReader : IDisposable
{
    /// <summary>Bytes: no chunk is longer, so a buffer of this size can always take the next run.</summary>
    public const int MaxChunk = FormatConstants.MaxChunk;

    private readonly SnapshotReader _snapshot;
    private readonly MapIndexFile _file;
    private ChunkEntry[] _entries = [];
    private Task<ChunkEntry[]>? _next;
    private int _segment;
    private int _at;
    private long _offset;
    private bool _disposed;

    internal FileReader(SnapshotReader snapshot, MapIndexFile file)
    {
        _snapshot = snapshot;
        _file = file;
    }

    public SnapshotFile File => _file.File;

    /// <summary>
    /// The next run of at most <paramref name="maxRawBytes"/> (>= <see cref="MaxChunk"/>; zero runs may be longer), or null at the end.
    /// May block for one read of the map in about 21 MiB.
    /// </summary>
    public async ValueTask<ChunkRun?> NextRunAsync(int maxRawBytes, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxRawBytes, MaxChunk);
        if (_at == _entries.Length)
        {
            if (_segment == _file.Segments.Length)
            {
                return null;
            }

            Task<ChunkEntry[]> next = _next ?? LoadAsync(_segment, cancellationToken);
            _next = null;
            _entries = await next.ConfigureAwait(false);
            _segment++;
            _at = 0;
            _next = _segment < _file.Segments.Length ? LoadAsync(_segment, cancellationToken) : null;
        }

        ChunkRun run = RunBuilder.Next(_entries, ref _at, _offset, maxRawBytes, _snapshot.Packs);
        _offset += run.RawLength;
        return run;
    }

    /// <summary>
    /// Reads, authenticates and decompresses a run on a pool thread. Zero runs clear the destination. RepositoryException (repository-damaged) names the object;
    /// the destination then holds nothing of use.
    /// </summary>
    public Task DecodeAsync(ChunkRun run, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (destination.Length < run.RawLength)
        {
            throw new ArgumentException($"the destination has {destination.Length} bytes for a run of {run.RawLength}", nameof(destination));
        }

        if (run.IsZero)
        {
            destination.Span[..run.RawLength].Clear();
            return Task.CompletedTask;
        }

        return _snapshot.Decoder.DecodeAsync(run, destination, verifyHash: false, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;

        // Nobody will ask for it; it ends by itself.
        _ = _next?.ContinueWith(
            static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        _next = null;
        _entries = [];
        _at = 0;
    }

    private Task<ChunkEntry[]> LoadAsync(int segment, CancellationToken cancellationToken) => _snapshot.ReadSegmentAsync(_file.Segments[segment], cancellationToken);
}
