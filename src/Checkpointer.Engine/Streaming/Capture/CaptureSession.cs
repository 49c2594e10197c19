using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Extensions.Logging;

namespace Checkpointer.Engine.Streaming;

/// <summary>One dump's conversation with CRIU, on one thread: the control socket and every pipe that came through it.</summary>
internal sealed partial class CaptureSession : IDescriptorHandler, IDisposable
{
    /// <summary>Files that may be open at once. CRIU has about ten; a thousand is somebody who wants our descriptors.</summary>
    public const int MaxOpenFiles = 1024;

    /// <summary>Files of one image: a hundred thousand processes with ten each.</summary>
    public const int MaxFiles = 1 << 20;

    private readonly ControlChannel _control;
    private readonly ICaptureSink _sink;
    private readonly ILogger _logger;
    private readonly TaskCompletionSource _complete;
    private readonly Action<string>? _fileClosed;
    private readonly HashSet<string> _names = [];
    private readonly HashSet<CapturedFile> _open = [];
    private bool _inventoryClosed;

    public CaptureSession(
        UnixConnection connection,
        ICaptureSink sink,
        BlockPool pool,
        CaptureMeter meter,
        TaskCompletionSource complete,
        Action<string>? fileClosed,
        ILogger logger,
        CancellationToken stopping)
    {
        _control = new ControlChannel(connection);
        _sink = sink;
        _logger = logger;
        _complete = complete;
        _fileClosed = fileClosed;
        Meter = meter;
        Lease = new BlockLease(pool, meter);
        Stopping = stopping;
    }

    public DescriptorLoop Loop { get; } = new();

    public CaptureMeter Meter { get; }

    public BlockLease Lease { get; }

    public CancellationToken Stopping { get; }

    public PipeGrowth Growth { get; } = new();

    /// <summary>Where small files pass through: one read of a pipe of the default size.</summary>
    public byte[] Scratch { get; } = GC.AllocateUninitializedArray<byte>(64 << 10, pinned: true);

    /// <summary>Returns when the socket and every pipe are at their end and the image is complete; throws otherwise.</summary>
    public void Run()
    {
        Loop.Watch(_control.Handle, this, EpollEvents.In);
        Loop.Run(Stopping);
        if (!_complete.Task.IsCompletedSuccessfully)
        {
            throw StreamingErrors.Incomplete(
                _names.Contains(ImageNames.Inventory) ? "a file was cut off" : $"{_names.Count} files came, but no {ImageNames.Inventory}");
        }
    }

    public void OnEvents(EpollEvents events)
    {
        switch (_control.Advance())
        {
            case ControlStep.Request:
                CheckRequest(_control.FileName);
                _control.ExpectPipe();
                break;
            case ControlStep.Pipe:
                Open(_control.FileName);
                break;
            case ControlStep.Closed:
                Loop.Forget(_control.Handle, this);
                StopWhenDone();
                break;
            case ControlStep.Partial:
                break;
        }
    }

    public void Closed(CapturedFile file, CaptureMeter.FileMeter meter)
    {
        _open.Remove(file);
        Meter.Closed(meter);
        _fileClosed?.Invoke(file.Name);
        _inventoryClosed |= file.Name == ImageNames.Inventory;
        if (_inventoryClosed && _open.Count == 0 && !_control.OwesPipe)
        {
            Meter.Completed();
            _complete.TrySetResult();
        }
        StopWhenDone();
    }

    /// <summary>The store failed while this file was being written; its own error says why.</summary>
    public void FailedAt(string name) => LogFailedAt(_logger, name);

    public void Dispose()
    {
        foreach (CapturedFile file in _open)
        {
            file.Dispose();
        }
        _control.Dispose();
        Loop.Dispose();
    }

    private void CheckRequest(string name)
    {
        if (_complete.Task.IsCompleted)
        {
            throw StreamingErrors.Protocol($"another file ({name}) after the image was complete");
        }
        if (!_names.Add(name))
        {
            throw StreamingErrors.Protocol($"the file {name} twice");
        }
        if (_open.Count >= MaxOpenFiles || _names.Count > MaxFiles)
        {
            throw StreamingErrors.Protocol($"more files than an image has ({_open.Count} open, {_names.Count} in all)");
        }
    }

    private void Open(string name)
    {
        FileKind kind = ImageNames.KindOf(name);
        CapturedFile file = new(this, name, Meter.Opened(name, kind), _sink.OpenFile(name, kind));
        _open.Add(file);
        file.Start(_control.TakePipe());
    }

    private void StopWhenDone()
    {
        if (Loop.Watched == 0)
        {
            Loop.Stop();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The repository failed while {File} was being captured")]
    private static partial void LogFailedAt(ILogger logger, string file);
}
