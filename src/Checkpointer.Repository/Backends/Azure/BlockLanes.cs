using System.Collections.Concurrent;

namespace Checkpointer.Repository;

/// <summary>
/// The memory of uploads: every open upload fills one block of its own, and at most <c>lanes</c> full blocks are on their way. An upload never waits for another
/// upload's block, only for a request to end, so uploads cannot block each other for good.
/// </summary>
internal sealed class BlockLanes(int lanes, int blockBytes) : IDisposable
{
    private readonly SemaphoreSlim _lanes = new(lanes);
    private readonly ConcurrentBag<byte[]> _free = [];

    public int BlockBytes => blockBytes;

    /// <summary>Bytes that this many open uploads need at most.</summary>
    public static long Memory(int uploads, int lanes, int blockBytes) => ((uploads + lanes) * (long)blockBytes) + (lanes * (long)AzureOptions.RequestBytes);

    public byte[] Rent() => _free.TryTake(out byte[]? block) ? block : GC.AllocateUninitializedArray<byte>(blockBytes);

    public void Return(byte[] block) => _free.Add(block);

    /// <summary>Waits until a request may start; blocks the calling (dedicated) thread.</summary>
    public void Enter(CancellationToken cancellationToken) => _lanes.Wait(cancellationToken);

    public void Leave() => _lanes.Release();

    public void Dispose() => _lanes.Dispose();
}
