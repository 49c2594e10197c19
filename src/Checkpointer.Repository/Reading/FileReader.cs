namespace Checkpointer.Repository;

/// <summary>A sequential cursor over one file. The cursor has one user; <see cref="DecodeAsync"/> may run many times at once, on any thread.</summary>
public sealed class FileReader : IDisposable
{
    /// <summary>Bytes: no chunk is longer, so a buffer of this size can always take the next run.</summary>
    public const int MaxChunk = 128 << 10;

    /// <summary>The next run of at most <paramref name="maxRawBytes"/> (>= <see cref="MaxChunk"/>; zero runs may be longer), or null at the end.</summary>
    public ValueTask<ChunkRun?> NextRunAsync(int maxRawBytes, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Reads, authenticates and decompresses a run on a pool thread. RepositoryException (repository-damaged) names the object; the destination then holds nothing of use.</summary>
    public Task DecodeAsync(ChunkRun run, Memory<byte> destination, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
