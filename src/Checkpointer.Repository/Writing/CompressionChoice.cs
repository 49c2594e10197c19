namespace Checkpointer.Repository;

/// <summary>
/// Decides block by block whether compressing is worth its CPU. LZ4 takes 2.8 CPU-seconds per GB of code-like bytes (measured), and a frozen workload may be waiting.
/// So: while the input waits for the workers, chunks go raw, unless the store is the slower side; then compressing is what shortens the wait.
/// The store's time is compared with the worker's own (cut, hash, seal), not with a clock: on a crowded machine both stretch alike.
/// </summary>
internal sealed class CompressionChoice(WorkQueue queue, int workers)
{
    /// <summary>
    /// The store is the slower side when it takes this many times as long as cutting, hashing and sealing (0.45 s per GB, measured): compressing at 2.8 s per GB pays
    /// when it saves its 40 % of more than 7 s. A tmpfs or the page cache takes 1 to 3 times as long.
    /// </summary>
    internal const double StoreBoundRatio = 15;

    /// <summary>Weight of the newest block in the moving averages: remembers about 16 blocks, so one slow flush does not decide.</summary>
    private const double Weight = 1.0 / 16;

    private double _store;
    private double _own;

    /// <summary>True when the store is the slower side.</summary>
    public bool StoreBound => _store > _own * StoreBoundRatio;

    /// <summary>To be asked before each block.</summary>
    public bool Compress(bool hurry)
    {
        bool starved = hurry ? queue.Backlog >= workers || queue.PoolLow : queue.PoolLow;
        return !starved || StoreBound;
    }

    /// <summary>To be told after each block, in clock ticks. Small ones say little and are left out.</summary>
    public void Done(int bytes, long total, long store, long compression)
    {
        if (bytes >= FormatConstants.MaxChunk)
        {
            _store += ((store / (double)bytes) - _store) * Weight;
            _own += ((Math.Max(0, total - store - compression) / (double)bytes) - _own) * Weight;
        }
    }
}
