using System.Buffers;
using System.IO.Pipelines;
using Checkpointer.Platform;
using Checkpointer.Repository;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Streaming;

/// <summary>One file on its way to CRIU: takes what its <see cref="PipeReader"/> has and writes it, without ever waiting. Loop's thread only.</summary>
internal sealed class ServedFile : IDescriptorHandler, IDisposable
{
    // Bytes written in one turn, so that one file whose reader keeps up does not hold up the others.
    private const int TurnBytes = 2 << 20;

    private const int BrokenPipe = 32; // EPIPE

    private readonly ServeSession _session;
    private readonly PipeReader _source;
    private readonly Action _drain;
    private SafeFileHandle? _pipe;
    private long _written;
    private int _state;
    private int _posted;
    private bool _waitsForReader;
    private PipeGrowth? _growth;

    public ServedFile(ServeSession session, SnapshotFile file, PipeReader source)
    {
        _session = session;
        File = file;
        _source = source;
        _drain = () =>
        {
            Volatile.Write(ref _posted, 0);
            Drain();
        };
    }

    public SnapshotFile File { get; }

    /// <summary>Any thread.</summary>
    public ServedFileState State => (ServedFileState)Volatile.Read(ref _state);

    /// <summary>Any thread: bytes written so far.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <summary>Any thread: there is something new in the source.</summary>
    public void Poke()
    {
        if (Interlocked.Exchange(ref _posted, 1) == 0)
        {
            _session.Loop.Post(_drain);
        }
    }

    /// <summary>Growth null: the pipe keeps its size.</summary>
    public void Start(SafeFileHandle pipe, PipeGrowth? growth)
    {
        _pipe = pipe;
        try
        {
            Fds.SetNonBlocking(pipe);
            _growth = growth?.TryGrow(pipe) == true ? growth : null;
            _session.Loop.Watch(pipe, this, EpollEvents.None);
        }
        catch (PlatformException e)
        {
            throw StreamingErrors.File(File.Name, "Serving", e);
        }
        Drain();
    }

    public void OnEvents(EpollEvents events)
    {
        if ((events & (EpollEvents.Error | EpollEvents.HangUp)) != 0)
        {
            End(ServedFileState.ClosedEarly);
        }
        else
        {
            Drain();
        }
    }

    public void Dispose()
    {
        _pipe?.Dispose();
        _source.Complete();
    }

    private void Drain()
    {
        if (_pipe is null || State != ServedFileState.Open)
        {
            return;
        }
        try
        {
            int turn = 0;
            while (turn < TurnBytes && _source.TryRead(out ReadResult result))
            {
                SequencePosition consumed = Write(result.Buffer, out int written, out bool full);
                bool all = written == result.Buffer.Length;
                turn += written;
                _source.AdvanceTo(consumed);
                if (full)
                {
                    WaitForReader(true);
                    return;
                }
                if (all && result.IsCompleted)
                {
                    End(ServedFileState.Whole);
                    return;
                }
            }
            WaitForReader(false);
            if (turn >= TurnBytes)
            {
                Poke();
            }
        }
        catch (PlatformException e) when (e.Errno == BrokenPipe)
        {
            End(ServedFileState.ClosedEarly);
        }
        catch (PlatformException e)
        {
            throw StreamingErrors.File(File.Name, "Serving", e);
        }
    }

    private SequencePosition Write(ReadOnlySequence<byte> data, out int written, out bool full)
    {
        written = 0;
        foreach (ReadOnlyMemory<byte> piece in data)
        {
            int count = piece.Length == 0 ? 0 : Fds.TryWrite(_pipe!, piece.Span);
            if (count > 0)
            {
                written += count;
                Volatile.Write(ref _written, _written + count);
                _session.Wrote(File.Kind, count);
            }
            if (count < piece.Length || written >= TurnBytes)
            {
                full = count < piece.Length;
                return data.GetPosition(written);
            }
        }
        full = false;
        return data.End;
    }

    // Without interest the loop still tells of a reader that went away.
    private void WaitForReader(bool wait)
    {
        if (wait != _waitsForReader)
        {
            _waitsForReader = wait;
            _session.Loop.Change(_pipe!, this, wait ? EpollEvents.Out : EpollEvents.None);
        }
    }

    private void End(ServedFileState state)
    {
        if (state == ServedFileState.Whole && _written != File.Length)
        {
            throw StreamingErrors.File(File.Name, "Serving", new InvalidDataException($"its source ended at byte {_written} of {File.Length}"));
        }
        Volatile.Write(ref _state, (int)(_written == File.Length ? ServedFileState.Whole : state));
        _session.Loop.Forget(_pipe!, this);
        _pipe!.Dispose();
        _source.Complete();
        _growth?.Closed();
        _session.Ended(this);
    }
}
