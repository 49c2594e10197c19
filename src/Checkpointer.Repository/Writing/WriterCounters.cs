namespace Checkpointer.Repository;

/// <summary>The counters behind <see cref="WriterProgress"/>; updated once per block or store call, never per chunk.</summary>
internal sealed class WriterCounters
{
    private readonly TimeProvider _time;
    private long _captured;
    private long _stored;
    private long _zero;
    private long _reused;
    private long _rawStarved;
    private long _tried;
    private long _lastAdvance;

    public WriterCounters(TimeProvider time)
    {
        _time = time;
        _lastAdvance = time.GetTimestamp();
    }

    public long BytesCaptured => Interlocked.Read(ref _captured);

    public long BytesStored => Interlocked.Read(ref _stored);

    public void Captured(long bytes)
    {
        Interlocked.Add(ref _captured, bytes);
        Advance();
    }

    public void Stored(long bytes)
    {
        Interlocked.Add(ref _stored, bytes);
        Advance();
    }

    public void Processed(in BlockTotals totals)
    {
        Interlocked.Add(ref _zero, totals.Zero);
        Interlocked.Add(ref _reused, totals.Reused);
        Interlocked.Add(ref _rawStarved, totals.RawStarved);
        Interlocked.Add(ref _tried, totals.CompressionTried);
        Advance();
    }

    public void Advance() => Interlocked.Exchange(ref _lastAdvance, _time.GetTimestamp());

    public WriterProgress Read() => new()
    {
        BytesCaptured = BytesCaptured,
        BytesStored = BytesStored,
        ZeroBytes = Interlocked.Read(ref _zero),
        ReusedBytes = Interlocked.Read(ref _reused),
        StoredRawStarved = Interlocked.Read(ref _rawStarved),
        CompressionTried = Interlocked.Read(ref _tried),
        LastAdvance = Interlocked.Read(ref _lastAdvance),
    };
}

/// <summary>What a worker counted in one block.</summary>
internal struct BlockTotals
{
    public long Zero;
    public long Reused;
    public long RawStarved;
    public long CompressionTried;
}
