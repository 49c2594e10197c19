namespace Checkpointer.Engine.Streaming;

/// <summary>Memory that one fill decodes into: a file's slot, or a read-ahead block (<see cref="Owner"/> null).</summary>
internal sealed class FillBuffer(Memory<byte> memory, FileAllowance? owner)
{
    public Memory<byte> Memory => memory;

    public FileAllowance? Owner => owner;
}

/// <summary>What one served file may hold of the budget. Its state belongs to <see cref="ServeBudget"/>, under its lock.</summary>
internal sealed class FileAllowance
{
    private readonly FillBuffer _slot;
    private bool _slotTaken;
    private TaskCompletionSource<FillBuffer>? _waiter;
    private TaskCompletionSource? _room;

    public FileAllowance(Memory<byte> slot, bool isBulk)
    {
        _slot = new FillBuffer(slot, this);
        IsBulk = isBulk;
    }

    /// <summary>True: longer than its slot, so that read-ahead makes sense.</summary>
    public bool IsBulk { get; }

    /// <summary>Read-ahead blocks that the file holds.</summary>
    public int Ahead { get; set; }

    public FillBuffer? TakeSlot()
    {
        if (_slotTaken)
        {
            return null;
        }
        _slotTaken = true;
        return _slot;
    }

    public void ReturnSlot() => _slotTaken = false;

    /// <summary>A file has one cursor, so one wait at a time.</summary>
    public TaskCompletionSource<FillBuffer> Wait() => _waiter = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>False when nobody waits any more.</summary>
    public bool Offer(FillBuffer buffer)
    {
        TaskCompletionSource<FillBuffer>? waiter = _waiter;
        _waiter = null;
        return waiter is not null && waiter.TrySetResult(buffer);
    }

    public Task AwaitRoom() => (_room = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public void TellRoom()
    {
        _room?.TrySetResult();
        _room = null;
    }
}
