namespace Checkpointer.Repository;

/// <summary>
/// How far ahead a store is read: from the latency that its requests show, so that a store far away is asked for much at once, and a near one for little. Thread-safe.
/// </summary>
internal sealed class ReadWindow(TimeProvider time)
{
    /// <summary>Reads at once of a store that answers at once: enough for the cores.</summary>
    internal const int LeastReads = 8;

    /// <summary>Reads at once of a store however far away: with 1 MiB each, 1 GiB/s at 30 ms.</summary>
    internal const int MostReads = 32;

    /// <summary>Bytes read ahead of one file: so much is on its way, and as much again is there and waits for its reader.</summary>
    internal const long LeastAhead = 8 << 20;

    internal const long MostAhead = 2L * MostReads * RunDecoder.ReadBytes;

    /// <summary>Bytes that one more request would have to save: what the store sends in the time of its latency, over one of several connections.</summary>
    internal const int MostGap = 128 << 10;

    // Bytes a second: what a restore takes at most, and what one connection brings at least.
    private const double Appetite = 1L << 30;
    private const double Connection = 32 << 20;

    // Bytes: reads are not as long as they may be.
    private const double UsualRead = 512 << 10;

    // The least of so many: what a store takes that is not busy with us.
    private const int Samples = 16;

    private readonly Lock _gate = new();
    private readonly TimeSpan[] _samples = new TimeSpan[Samples];
    private int _count;

    public int Reads => (int)Math.Clamp(Math.Ceiling(Latency.TotalSeconds * Appetite / UsualRead), LeastReads, MostReads);

    public int MaxGap => (int)Math.Min(Latency.TotalSeconds * Connection, MostGap);

    public long AheadBytes => (long)Math.Clamp(2 * Latency.TotalSeconds * Appetite, LeastAhead, MostAhead);

    /// <summary>The shortest request of the last ones; zero before the first.</summary>
    public TimeSpan Latency
    {
        get
        {
            lock (_gate)
            {
                return _count == 0 ? TimeSpan.Zero : _samples.AsSpan(0, Math.Min(_count, Samples)).ToArray().Min();
            }
        }
    }

    public long Start() => time.GetTimestamp();

    /// <param name="start">From <see cref="Start"/>.</param>
    /// <param name="requests">How many requests it was, one after the other.</param>
    public void End(long start, int requests = 1)
    {
        TimeSpan took = time.GetElapsedTime(start) / requests;
        lock (_gate)
        {
            _samples[_count % Samples] = took;
            _count = _count + 1 == 2 * Samples ? Samples : _count + 1;
        }
    }
}
