namespace Checkpointer.Node;

/// <summary>
/// What all operations of this node may use together: bytes of buffers, and a number of operations at once. Thread-safe.
/// It only counts; who waits in which order is the scheduler's business.
/// </summary>
public sealed class NodeBudget
{
    private readonly Lock _gate = new();
    private long _bytesInUse;
    private int _running;

    public NodeBudget(long totalBytes, int maxConcurrent)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(totalBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxConcurrent);
        TotalBytes = totalBytes;
        MaxConcurrent = maxConcurrent;
    }

    /// <summary>Bytes of buffers for all operations together.</summary>
    public long TotalBytes { get; }

    /// <summary>Operations that may run at the same time.</summary>
    public int MaxConcurrent { get; }

    /// <summary>Bytes that running operations have taken.</summary>
    public long BytesInUse
    {
        get
        {
            lock (_gate)
            {
                return _bytesInUse;
            }
        }
    }

    /// <summary>Operations that run now.</summary>
    public int Running
    {
        get
        {
            lock (_gate)
            {
                return _running;
            }
        }
    }

    /// <summary>Takes a share, or changes nothing and says false.</summary>
    public bool TryTake(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        lock (_gate)
        {
            if (_running >= MaxConcurrent || bytes > TotalBytes - _bytesInUse)
            {
                return false;
            }

            _running++;
            _bytesInUse += bytes;
            return true;
        }
    }

    /// <summary>Gives a share back that <see cref="TryTake"/> gave out.</summary>
    public void Return(long bytes)
    {
        lock (_gate)
        {
            if (_running == 0 || bytes > _bytesInUse)
            {
                throw new InvalidOperationException("More was given back to the node's budget than was taken.");
            }

            _running--;
            _bytesInUse -= bytes;
        }
    }
}
