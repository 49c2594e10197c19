using Checkpointer.Platform;

namespace Checkpointer.Engine.Streaming;

/// <summary>
/// The capture's hold on the pool. Files keep partly filled blocks between reads, so many open files could hold the whole pool and wait
/// for each other for ever; therefore the files together keep at most half of it, and the fullest block is handed over early instead.
/// One thread.
/// </summary>
internal sealed class BlockLease(BlockPool pool, CaptureMeter meter)
{
    // How often a wait for memory looks at its own end; the pool wakes it at once when a block comes free.
    private static readonly TimeSpan WaitStep = TimeSpan.FromSeconds(1);

    private readonly List<CapturedFile> _holders = [];
    private readonly int _limit = Math.Max(1, pool.Count / 2);

    /// <summary>
    /// A free block for <paramref name="file"/>; waits for one as long as it takes (the store frees them). OperationCanceledException.
    /// </summary>
    public Block Rent(CapturedFile file, CancellationToken cancellationToken)
    {
        if (_holders.Count >= _limit)
        {
            _holders.MaxBy(holder => holder.Pending)!.HandOver();
        }
        if (!pool.TryRent(out Block block))
        {
            block = Wait(cancellationToken);
        }
        _holders.Add(file);
        return block;
    }

    /// <summary>The file handed its block over, or gave it back.</summary>
    public void Released(CapturedFile file) => _holders.Remove(file);

    private Block Wait(CancellationToken cancellationToken)
    {
        meter.WaitBegins();
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (pool.TryRent(WaitStep, cancellationToken, out Block block))
                {
                    return block;
                }
            }
        }
        finally
        {
            meter.WaitEnds();
        }
    }
}
