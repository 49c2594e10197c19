using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Streaming;

/// <summary>
/// One image file on its way from CRIU's pipe to the writer. Bulk goes by one copy, straight from the pipe into a pool block that the writer
/// then owns; what is small is copied once more, so that a hundred small files do not hold a hundred blocks. Loop's thread only.
/// </summary>
internal sealed class CapturedFile : IDescriptorHandler, IDisposable
{
    /// <summary>Bytes: a file that grows beyond this is treated as bulk from there on.</summary>
    public const int SmallLimit = 256 << 10;

    private readonly CaptureSession _session;
    private readonly CaptureMeter.FileMeter _meter;
    private readonly ICaptureSinkFile _file;
    private SafeFileHandle? _pipe;
    private Block? _block;
    private bool _bulk;
    private bool _grown;
    private long _length;

    public CapturedFile(CaptureSession session, string name, CaptureMeter.FileMeter meter, ICaptureSinkFile file)
    {
        _session = session;
        Name = name;
        _meter = meter;
        _file = file;
        _bulk = ImageNames.IsBulk(name);
    }

    public string Name { get; }

    /// <summary>Bytes in the block that the file holds.</summary>
    public int Pending => _block?.Length ?? 0;

    public void Start(SafeFileHandle pipe)
    {
        _pipe = pipe;
        try
        {
            Fds.SetNonBlocking(pipe);
            if (_bulk)
            {
                Grow();
            }
            _session.Loop.Watch(pipe, this, EpollEvents.In);
        }
        catch (PlatformException e)
        {
            throw StreamingErrors.File(Name, "Capturing", e);
        }
    }

    public void OnEvents(EpollEvents events)
    {
        try
        {
            // A hang-up without data is the end: no block need be taken to read nothing.
            int read = (events & EpollEvents.In) == 0 ? 0 : _bulk ? ReadIntoBlock() : ReadSmall();
            if (read == 0)
            {
                Finish();
            }
            else if (read > 0)
            {
                _session.Meter.Read(_meter, read);
            }
        }
        catch (Exception e) when (e is not (CheckpointerException or OperationCanceledException) || e is PlatformException)
        {
            throw StreamingErrors.File(Name, "Capturing", e);
        }
        catch (CheckpointerException)
        {
            _session.FailedAt(Name);
            throw;
        }
    }

    /// <summary>Gives the block to the writer, full or not.</summary>
    public void HandOver()
    {
        if (_block is { } block)
        {
            _block = null;
            _session.Lease.Released(this);
            _file.Append(block);
        }
    }

    public void Dispose()
    {
        _pipe?.Dispose();
        _block?.Dispose();
        _block = null;
    }

    private int ReadIntoBlock()
    {
        _block ??= _session.Lease.Rent(this, _session.Stopping);
        int read = Fds.TryRead(_pipe!, _block.Span[_block.Length..]);
        if (read <= 0)
        {
            return read;
        }
        _block.Length += read;
        if (_block.Length == BlockPool.BlockSize)
        {
            HandOver();
        }
        return read;
    }

    private int ReadSmall()
    {
        int read = Fds.TryRead(_pipe!, _session.Scratch);
        if (read <= 0)
        {
            return read;
        }
        _file.Write(_session.Scratch.AsSpan(0, read));
        _length += read;
        if (_length > SmallLimit)
        {
            _bulk = true;
            Grow();
        }
        return read;
    }

    private void Finish()
    {
        if (_block is { Length: 0 })
        {
            _block.Dispose();
            _block = null;
            _session.Lease.Released(this);
        }
        HandOver();
        _file.Complete();
        _session.Loop.Forget(_pipe!, this);
        _pipe!.Dispose();
        if (_grown)
        {
            _session.Growth.Closed();
        }
        _session.Closed(this, _meter);
    }

    private void Grow() => _grown = _session.Growth.TryGrow(_pipe!);
}
