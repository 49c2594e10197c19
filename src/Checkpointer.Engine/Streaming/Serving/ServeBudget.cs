using Checkpointer.Platform;
using Checkpointer.Repository;

namespace Checkpointer.Engine.Streaming;

/// <summary>
/// The pool of one restore, divided before it starts. Every file of the image has a slot that is its own, large enough for one chunk: whatever
/// order CRIU reads in, the file that it waits for can go on. What is left is read-ahead, in whole blocks, for the large files that are open.
/// Thread-safe.
/// </summary>
internal sealed class ServeBudget : IDisposable
{
    // Bytes: slots begin at pages.
    private const int SlotGranularity = 4096;

    // Blocks that the minimum holds beyond the slots, so that a single large file is read in runs longer than a chunk.
    private const int BaseBlocks = 1;

    // Read-ahead blocks of one file: enough to keep a few decoders and the pipe busy; more only leaves the cache.
    private const int MaxAhead = 8;

    private readonly Lock _gate = new();
    private readonly List<Block> _blocks = [];
    private readonly Stack<FillBuffer> _free = new();
    private readonly LinkedList<FileAllowance> _waiting = new();
    private readonly Dictionary<string, Memory<byte>> _slots = new(StringComparer.Ordinal);
    private readonly int _ahead;
    private int _openBulk;

    /// <summary>Takes the whole pool; UsageException (budget-too-small) when the slots do not fit.</summary>
    public ServeBudget(BlockPool pool, IReadOnlyList<SnapshotFile> files)
    {
        long minimum = MinimumBytes(files);
        if (pool.Count < BlocksOf(files) + BaseBlocks)
        {
            throw new UsageException(
                "budget-too-small",
                $"Restoring this snapshot ({files.Count} files) needs at least {ByteSize.Format(minimum)} of buffers.",
                $"Give it more: --memory {ByteSize.Format(minimum)}, plus what the service itself needs.");
        }
        while (pool.TryRent(out Block block))
        {
            _blocks.Add(block);
        }
        int used = AssignSlots(files);
        for (int i = _blocks.Count - 1; i >= used; i--)
        {
            _free.Push(new FillBuffer(_blocks[i].Data, null));
        }
        _ahead = _free.Count;
    }

    /// <summary>Blocks for read-ahead.</summary>
    public int AheadBlocks => _ahead;

    /// <summary>The least pool in bytes that serves these files.</summary>
    public static long MinimumBytes(IReadOnlyList<SnapshotFile> files) =>
        Math.Max(BlocksOf(files) + BaseBlocks, 2) * (long)(BlockPool.BlockSize + BlockPool.Headroom);

    /// <summary>The file's own buffer and its share of the rest.</summary>
    public FileAllowance AllowanceFor(SnapshotFile file) => new(_slots.GetValueOrDefault(file.Name), IsBulk(file));

    /// <summary>For a file that is served a second time while the first still holds the slot: a slot beyond the pool.</summary>
    public static FileAllowance ExtraAllowanceFor(SnapshotFile file) => new(new byte[SlotBytes(file)], IsBulk(file));

    /// <summary>True: longer than its slot.</summary>
    public static bool IsBulk(SnapshotFile file) => file.Length > FileReader.MaxChunk;

    /// <summary>Counts a large file in or out of those that share the read-ahead.</summary>
    public void Opened(FileAllowance file) => Count(file, 1);

    /// <inheritdoc cref="Opened"/>
    public void Closed(FileAllowance file) => Count(file, -1);

    /// <summary>A read-ahead block where one is to be had, else the file's slot, else whichever comes free first.</summary>
    public async ValueTask<FillBuffer> AcquireAsync(FileAllowance file, CancellationToken cancellationToken)
    {
        TaskCompletionSource<FillBuffer> waiter;
        lock (_gate)
        {
            if (file.IsBulk && file.Ahead < Share && _free.TryPop(out FillBuffer? block))
            {
                file.Ahead++;
                return block;
            }
            if (file.TakeSlot() is { } slot)
            {
                return slot;
            }
            waiter = file.Wait();
            if (file.IsBulk)
            {
                _waiting.AddLast(file);
            }
        }
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource<FillBuffer>)state!).TrySetCanceled(token), waiter);
        return await waiter.Task.ConfigureAwait(false);
    }

    /// <summary>Gives a buffer back; whoever waits for it goes on.</summary>
    public void Release(FileAllowance file, FillBuffer buffer)
    {
        lock (_gate)
        {
            if (buffer.Owner is not null)
            {
                if (!file.Offer(buffer))
                {
                    file.ReturnSlot();
                }
                else
                {
                    _waiting.Remove(file);
                }
                return;
            }
            file.Ahead--;
            PassOn(buffer);
        }
    }

    /// <summary>After every file has ended.</summary>
    public void Dispose()
    {
        foreach (Block block in _blocks)
        {
            block.Dispose();
        }
        _blocks.Clear();
    }

    private int Share => Math.Clamp(_ahead / Math.Max(1, _openBulk), 1, MaxAhead);

    private static int BlocksOf(IReadOnlyList<SnapshotFile> files) => Pack(files, static (_, _, _) => { });

    private static int SlotBytes(SnapshotFile file)
    {
        long bytes = Math.Min(file.Length, FileReader.MaxChunk);
        return (int)((bytes + SlotGranularity - 1) / SlotGranularity * SlotGranularity);
    }

    // Largest first: whole chunks fill blocks without a gap, and the small ones share what follows.
    private static int Pack(IReadOnlyList<SnapshotFile> files, Action<SnapshotFile, int, int> place)
    {
        int block = -1;
        int used = BlockPool.BlockSize;
        foreach (SnapshotFile file in files.Where(f => f.Length > 0).OrderByDescending(SlotBytes))
        {
            int bytes = SlotBytes(file);
            if (used + bytes > BlockPool.BlockSize)
            {
                block++;
                used = 0;
            }
            place(file, block, used);
            used += bytes;
        }
        return block + 1;
    }

    private int AssignSlots(IReadOnlyList<SnapshotFile> files) =>
        Pack(files, (file, block, start) => _slots.Add(file.Name, _blocks[block].Data.Slice(start, SlotBytes(file))));

    private void Count(FileAllowance file, int change)
    {
        if (file.IsBulk)
        {
            lock (_gate)
            {
                _openBulk += change;
            }
        }
    }

    private void PassOn(FillBuffer block)
    {
        int share = Share;
        for (LinkedListNode<FileAllowance>? node = _waiting.First; node is not null;)
        {
            LinkedListNode<FileAllowance>? next = node.Next;
            if (node.Value.Ahead < share)
            {
                _waiting.Remove(node);
                if (node.Value.Offer(block))
                {
                    node.Value.Ahead++;
                    return;
                }
            }
            node = next;
        }
        _free.Push(block);
    }
}
