namespace Checkpointer.Repository;

/// <summary>What was read out of a snapshot's packs so far.</summary>
/// <param name="Requests">Ranged reads.</param>
/// <param name="Fetched">Bytes of all of them.</param>
/// <param name="Between">Of those, bytes that lay between two chunks and were read to save a request.</param>
/// <param name="Again">Of those, bytes of chunks that had been fetched before: content that the image has twice, or a read that was done again.</param>
public readonly record struct ReadStatistics(long Requests, long Fetched, long Between, long Again);

/// <summary>Counts. Memory: one bit for each stored chunk. Thread-safe.</summary>
internal sealed class ReadCounters
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ObjectId, PackUse> _seen = [];
    private ReadStatistics _sum;

    public ReadStatistics Sum
    {
        get
        {
            lock (_gate)
            {
                return _sum;
            }
        }
    }

    public void Add(PackRead read)
    {
        lock (_gate)
        {
            if (!_seen.TryGetValue(read.Pack, out PackUse? seen))
            {
                _seen[read.Pack] = seen = new PackUse();
            }

            long wanted = 0;
            long again = 0;
            ChunkEntry previous = default;
            foreach ((ChunkEntry chunk, _) in read.Targets)
            {
                // One that occurs twice was fetched once; a frame number that cannot be would cost memory.
                if (chunk != previous && chunk.Frame <= chunk.Offset / FormatConstants.FrameOverhead)
                {
                    wanted += chunk.FrameLength;
                    again += seen.Mark(chunk.Frame, chunk.FrameLength) ? 0 : chunk.FrameLength;
                }

                previous = chunk;
            }

            _sum = new ReadStatistics(_sum.Requests + 1, _sum.Fetched + read.Length, _sum.Between + read.Length - wanted, _sum.Again + again);
        }
    }
}
