using System.Buffers.Binary;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;

namespace Checkpointer.Repository;

/// <summary>
/// One object on its way into a container. Bytes collect in a block; full blocks are staged in parallel, bounded by <see cref="BlockLanes"/>, and the commit names
/// them in one conditional request. What fits into one block is one conditional request altogether. Nothing is visible before.
/// Block names hold a random number of this upload, so that two uploads of one name never mix their blocks.
/// </summary>
internal sealed class AzureUpload : IObjectUpload
{
    /// <summary>Objects up to this size are kept in memory of their own size, not in a whole block. Bytes.</summary>
    private const int Small = 64 << 10;

    private const int IdBytes = 16;

    private readonly AzureRequests _requests;
    private readonly BlockLanes _lanes;
    private readonly string _name;
    private readonly CancellationTokenSource _stop;
    private readonly byte[] _id = RandomNumberGenerator.GetBytes(IdBytes);
    private readonly List<string> _blocks = [];
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _ended = new(0);
    private byte[] _buffer = [];
    private bool _isBlock;
    private int _filled;
    private int _sending;
    private Exception? _failure;
    private bool _disposed;

    public AzureUpload(AzureRequests requests, BlockLanes lanes, string name, CancellationToken cancellationToken)
    {
        _requests = requests;
        _lanes = lanes;
        _name = name;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    }

    private string UploadId => Convert.ToHexStringLower(_id);

    public void Append(ReadOnlySpan<byte> data)
    {
        ThrowIfDead();
        while (data.Length > 0)
        {
            // A full block waits for the next byte: what fits into one block needs no block list.
            if (_isBlock && _filled == _buffer.Length)
            {
                Stage();
            }

            Reserve(data.Length);
            int count = Math.Min(data.Length, _buffer.Length - _filled);
            data[..count].CopyTo(_buffer.AsSpan(_filled));
            _filled += count;
            data = data[count..];
        }
    }

    public bool Commit()
    {
        ThrowIfDead();
        if (_blocks.Count == 0)
        {
            return _requests.PutAsync(_name, _buffer.AsMemory(0, _filled), UploadId, _stop.Token).GetAwaiter().GetResult();
        }

        if (_filled > 0)
        {
            Stage();
        }

        AwaitSends();
        ThrowIfDead();
        return _requests.CommitAsync(_name, _blocks, UploadId, _stop.Token).GetAwaiter().GetResult();
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        lock (_gate)
        {
            _failure ??= new ObjectDisposedException(nameof(AzureUpload));
        }

        // Staged blocks without a commit are invisible, and the service drops them after a week. The requests on their way end at once.
        _stop.Cancel();
        AwaitSends();
        _stop.Dispose();
        _ended.Dispose();
        if (_isBlock)
        {
            _lanes.Return(_buffer);
        }

        _buffer = [];
        _isBlock = false;
    }

    /// <summary>Makes room for at least one byte more: small objects grow, larger ones get a block.</summary>
    private void Reserve(int more)
    {
        if (_isBlock || _filled + more <= _buffer.Length)
        {
            return;
        }

        bool small = _blocks.Count == 0 && _filled + (long)more <= Small;
        byte[] larger = small ? new byte[Math.Min(Small, Math.Max(_filled + more, 2 * _buffer.Length))] : _lanes.Rent();
        _buffer.AsSpan(0, _filled).CopyTo(larger);
        _buffer = larger;
        _isBlock = !small;
    }

    private void Stage()
    {
        if (_blocks.Count == AzureOptions.MaxBlocks)
        {
            throw new RepositoryException(RepositoryCodes.LimitExceeded, $"{_name} would have more than {AzureOptions.MaxBlocks} blocks; nothing was committed") { ObjectName = _name };
        }

        _lanes.Enter(_stop.Token);
        byte[] block = _buffer;
        int length = _filled;
        string id = BlockId(_blocks.Count);
        _blocks.Add(id);
        _buffer = [];
        _isBlock = false;
        _filled = 0;
        lock (_gate)
        {
            _sending++;
        }

        _ = Task.Run(() => SendAsync(block, length, id));
        ThrowIfDead();
    }

    private async Task SendAsync(byte[] block, int length, string id)
    {
        try
        {
            await _requests.StageAsync(_name, id, block.AsMemory(0, length), _stop.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Told by the next call of the thread that drives the upload; the first one is the cause.
            lock (_gate)
            {
                _failure ??= e;
            }
        }
        finally
        {
            _lanes.Return(block);
            _lanes.Leave();
            lock (_gate)
            {
                _sending--;
                _ended.Release();
            }
        }
    }

    // Every request ends: it is watched for stalls, and cancelled when the upload is.
    private void AwaitSends()
    {
        while (true)
        {
            lock (_gate)
            {
                if (_sending == 0)
                {
                    return;
                }
            }

            _ended.Wait(CancellationToken.None);
        }
    }

    private void ThrowIfDead()
    {
        _stop.Token.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (_failure is not null)
            {
                ExceptionDispatchInfo.Throw(_failure);
            }
        }
    }

    private string BlockId(int number)
    {
        Span<byte> id = stackalloc byte[IdBytes + sizeof(int)];
        _id.CopyTo(id);
        BinaryPrimitives.WriteInt32BigEndian(id[IdBytes..], number);
        return Convert.ToBase64String(id);
    }
}
