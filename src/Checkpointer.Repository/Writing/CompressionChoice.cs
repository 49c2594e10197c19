namespace Checkpointer.Repository;

/// <summary>
/// Decides block by block whether compressing is worth its CPU. LZ4 takes 2.8 CPU-seconds per GB of code-like bytes (measured), and a frozen workload may be waiting.
/// So: while the input waits for the workers, chunks go raw, unless the store is the slower side; then compressing is what shortens the wait.
/// </summary>
internal sealed class CompressionChoice(WorkQueue queue, int workers, TimeProvider time)
{
    /// <summary>
    /// Seconds in the store per GB of this worker from which the store is the slower side: compressing at 2.8 s per GB pays when it saves its 40 % of more than 7 s.
    /// A tmpfs or page cache takes 0.5 to 1 s.
    /// </summary>
    internal const double StoreBoundSecondsPerGb = 7;

    /// <summary>Weight of the newest block in the moving average: remembers about 16 blocks, so one slow flush does not decide.</summary>
    private const double Weight = 1.0 / 16;

    private const double Gb = 1e9;

    private long _lastTicks;
    private double _storeSecondsPerGb;

    /// <summary>To be asked once per block, with the clock ticks spent in the store so far.</summary>
    public bool Compress(bool hurry, long storeTicks, int bytes)
    {
        double seconds = (double)(storeTicks - _lastTicks) / time.TimestampFrequency;
        _lastTicks = storeTicks;
        if (bytes >= FormatConstants.MaxChunk)
        {
            // Small items say nothing about the rate.
            _storeSecondsPerGb += ((seconds / bytes * Gb) - _storeSecondsPerGb) * Weight;
        }

        bool starved = hurry ? queue.Backlog >= workers || queue.PoolLow : queue.PoolLow;
        return !starved || _storeSecondsPerGb > StoreBoundSecondsPerGb;
    }
}
