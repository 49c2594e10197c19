using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Engine;

/// <summary>How the bytes of <c>--memory</c> are divided: the writer's fixed part first, the rest is buffers.</summary>
/// <param name="PoolBytes">Bytes for the block pool.</param>
/// <param name="Workers">Threads that compress and seal.</param>
/// <param name="ParentBytes">Bytes for searching the parent snapshot; zero: it is not searched.</param>
/// <param name="SearchParent">Whether there is a parent to be searched.</param>
/// <param name="EarlyBytes">Bytes for knowing what is stored before the freeze; zero: nothing is.</param>
internal sealed record OperationMemory(long PoolBytes, int Workers, long ParentBytes, bool SearchParent, long EarlyBytes = 0)
{
    /// <summary>Below this a dump of many processes at once cannot be guaranteed to move. Bytes.</summary>
    public const long Minimum = 32L << 20;

    /// <summary>A dump smaller than this gains nothing from a larger pool; covers images that are not memory. Bytes.</summary>
    private const long Slack = 32L << 20;

    /// <summary>The parent's search gets one part in this many of the budget: 64 MiB of the default, which hold a parent of 27 GiB whole.</summary>
    private const int ParentShare = 8;

    /// <summary>What was stored early gets one part in this many of the budget: 32 MiB of the default, which know some 6 GiB of files.</summary>
    private const int EarlyShare = 16;

    /// <summary>Bytes that know some 20 MiB of files; with less nothing is stored early.</summary>
    private const long LeastEarly = 96L << 10;

    private static int DefaultWorkers => Math.Min(Environment.ProcessorCount, WriterOptions.MaxDefaultWorkers);

    /// <summary>A pool for a dump: never more than asked for, never more than the dump can use.</summary>
    /// <param name="budget">Bytes of the whole operation.</param>
    /// <param name="estimate">Bytes of the image, roughly.</param>
    /// <param name="searchParent">Whether a parent is searched for equal chunks.</param>
    /// <param name="uploadBytes">What the store keeps for so many uploads at once; null where it keeps nothing.</param>
    /// <param name="earlyContent">Bytes of files that are to be stored before the freeze.</param>
    /// <exception cref="UsageException">The budget is too small.</exception>
    public static OperationMemory ForCheckpoint(long budget, long estimate, bool searchParent, Func<int, long>? uploadBytes = null, long earlyContent = 0)
    {
        var workers = DefaultWorkers;
        while (workers > 1 && budget - Fixed(workers, uploadBytes) < Minimum / 2)
        {
            workers--;
        }

        var pool = budget - Fixed(workers, uploadBytes);
        if (budget < Minimum || pool < Minimum / 2)
        {
            throw TooSmall(budget, Math.Max(Minimum, Fixed(1, uploadBytes) + (Minimum / 2)));
        }

        var parent = searchParent ? ForParent(budget, pool) : 0;
        pool -= WriterOptions.ParentOverheadBytes(parent);
        var early = earlyContent > 0 ? ForEarly(budget, pool, earlyContent) : 0;
        pool -= early;
        return new OperationMemory(Math.Min(pool, Useful(estimate)), workers, parent, searchParent, early);
    }

    // Each worker has a pack under way, and there is the map.
    private static long Fixed(int workers, Func<int, long>? uploadBytes) =>
        WriterOptions.OverheadBytes(workers) + (uploadBytes?.Invoke(workers + 1) ?? 0);

    /// <summary>As much as the pool can spare; nothing where it can spare nothing.</summary>
    private static long ForParent(long budget, long pool)
    {
        var fixedPart = WriterOptions.ParentOverheadBytes(WriterOptions.LeastParentMemory) - WriterOptions.LeastParentMemory;
        var spare = Math.Min(budget / ParentShare, pool - (Minimum / 2) - fixedPart);
        return spare < WriterOptions.LeastParentMemory ? 0 : Math.Min(spare, WriterOptions.DefaultParentMemory);
    }

    /// <summary>As much as the content needs and the pool can spare; nothing where that is hardly any.</summary>
    private static long ForEarly(long budget, long pool, long content)
    {
        var spare = Math.Min(Math.Min(budget / EarlyShare, WriterOptions.EarlyMemoryFor(content)), pool - (Minimum / 2));
        return spare < LeastEarly ? 0 : spare;
    }

    /// <summary>A pool that holds an image of this many bytes whole, with some room for what was not foreseen.</summary>
    public static long Useful(long estimate) => WithHeadroom(Math.Max(estimate + (estimate / 8) + Slack, Minimum));

    public static UsageException TooSmall(long budget, long needed) => new(
        "memory-too-small",
        $"--memory {ByteSize.Format(budget)} is too small; this operation needs at least {ByteSize.Format(needed)}.",
        $"Give it more: --memory {(needed + (1 << 20) - 1) >> 20}M.");

    /// <summary>What is to be told about the division.</summary>
    public IEnumerable<Finding> Findings(SnapshotId? parent) => SearchParent && ParentBytes == 0
        ?
        [
            new Finding(
                "parent-memory",
                FindingSeverity.Note,
                parent?.ToString() ?? "parent",
                "the budget leaves nothing for searching it, so everything was stored again",
                "memory for its index",
                "Give the checkpoint more --memory."),
        ]
        : [];

    public WriterOptions Writer(BlockPool pool, ILoggerFactory loggers) => new()
    {
        Pool = pool,
        Workers = Workers,
        ParentMemory = ParentBytes,
        EarlyMemory = EarlyBytes,
        Logger = loggers.CreateLogger("Checkpointer.Repository"),
    };

    // A block of the pool carries headroom beside its data.
    private static long WithHeadroom(long bytes) =>
        (bytes + BlockPool.BlockSize - 1) / BlockPool.BlockSize * (BlockPool.BlockSize + BlockPool.Headroom);
}
