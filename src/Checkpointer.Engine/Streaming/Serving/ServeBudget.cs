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

    // One block in so many is for reads on their way; the others are for what they bring.
    private const int LendOneIn = 4;

    private readonly Lock _gate = new();
    private readonly List<Block> _blocks = [];
    private readonly Stack<FillBuffer> _free = new();
    private readonly LinkedList<FileAllowance> _waiting = new();
    private readonly Dictionary<string, Memory<byte>> _slots = new(StringComparer.Ordinal);
    private readonly int _ahead;
    private readonly Func<long> _aheadBytes;
    private int _openBulk;

    /// <summary>Takes the whole pool; UsageException (budget-too-small) when the slots do not fit.</summary>
    /// <param name="pool">The memory.</param>
    /// <param name="files">The whole image.</param>
    /// <param name="lend">Blocks at most that are set aside for <see cref="Lent"/>.</param>
    /// <param name="aheadBytes">Bytes that are worth reading ahead of one file, at this moment.</param>
    public ServeBudget(BlockPool pool, IReadOnlyList<SnapshotFile> files, int lend, Func<long> aheadBytes)
    {
        _aheadBytes = aheadBytes;
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
        int lent = Math.Min((_blocks.Count - used) / LendOneIn, lend);
        Lent = [.. _blocks.TakeLast(lent).Select(static b => b.Data)];
        for (int i = _blocks.Count - lent - 1; i >= used; i--)
        {
            _free.Push(new FillBuffer(_blocks[i].Data, null));
        }
        _ahead = _free.Count;
    }

    /// <summary>Blocks for read-ahead.</summary>
    public int AheadBlocks => _ahead;

    /// <summary>Blocks for reads on their way.</summary>
    public IReadOnlyList<Memory<byte>> Lent { get; }

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
            if (TryTakeBlock(file) is { } block)
            {
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

    /// <summary>The file's own slot, for what is read before anybody asks: it takes nothing from the files that are open. Null: it is in use, or the file is empty.</summary>
    public FillBuffer? TakeSlot(FileAllowance file)
    {
        lock (_gate)
        {
            return file.TakeSlot() is { Memory.Length: > 0 } slot ? slot : null;
        }
    }

    /// <summary>A read-ahead block where one is to be had now.</summary>
    public FillBuffer? TryAcquire(FileAllowance file)
    {
        lock (_gate)
        {
            return TryTakeBlock(file);
        }
    }

    /// <summary>
    /// Ends when a part of the file's read-ahead is free, and says how many blocks that is: a store is asked for so much at once, and the rest of what it was asked for is
    /// still on its way. Waits only for what the file itself holds, so nobody waits for another's reader here.
    /// </summary>
    public async ValueTask<int> AwaitRoomAsync(FileAllowance file, CancellationToken cancellationToken)
    {
        Task? room;
        int batch;
        lock (_gate)
        {
            batch = Batch;
            room = HasRoom(file) ? null : file.AwaitRoom();
        }
        if (room is not null)
        {
            await room.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        return batch;
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
            if (HasRoom(file))
            {
                file.TellRoom();
            }
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

    private int Share
    {
        get
        {
            int useful = (int)Math.Max(1, Math.Min(_aheadBytes() / BlockPool.BlockSize, _ahead));
            return Math.Clamp(_ahead / Math.Max(1, _openBulk), 1, useful);
        }
    }

    // A quarter of what is read ahead: the reads grow long, and three quarters are there or on their way meanwhile.
    private int Batch => Math.Max(1, Share / 4);

    private bool HasRoom(FileAllowance file) => !file.IsBulk || file.Ahead == 0 || Share - file.Ahead >= Batch;

    private FillBuffer? TryTakeBlock(FileAllowance file)
    {
        if (file.IsBulk && file.Ahead < Share && _free.TryPop(out FillBuffer? block))
        {
            file.Ahead++;
            return block;
        }
        return null;
    }

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
