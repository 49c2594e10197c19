using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Streaming;

/// <summary>What one step on the control socket brought.</summary>
internal enum ControlStep
{
    /// <summary>Part of a message; more comes.</summary>
    Partial,

    /// <summary>A whole request: <see cref="ControlChannel.FileName"/>.</summary>
    Request,

    /// <summary>The pipe that belongs to the last request: <see cref="ControlChannel.TakePipe"/>.</summary>
    Pipe,

    /// <summary>The peer closed the socket between messages.</summary>
    Closed,
}

/// <summary>
/// The control socket as a state machine that never waits and never reads a byte too many: a read beyond the message would swallow
/// the single byte that carries the descriptor, and the kernel would drop the descriptor. One thread uses it, when the socket is readable.
/// </summary>
internal sealed class ControlChannel : IDisposable
{
    // Only a peer that does not read its own replies makes a call wait; CRIU always does.
    private static readonly TimeSpan PeerPatience = TimeSpan.FromSeconds(10);

    private readonly UnixConnection _connection;
    private readonly byte[] _buffer = new byte[ControlMessages.MaxRequestBytes];
    private State _state = State.Length;
    private int _wanted = ControlMessages.LengthBytes;
    private int _have;
    private SafeFileHandle? _pipe;

    public ControlChannel(UnixConnection connection)
    {
        _connection = connection;
        _connection.Timeout = PeerPatience;
        Fds.SetNonBlocking(connection.Handle);
    }

    private enum State
    {
        Length,
        Request,
        Pipe,
    }

    /// <summary>The name of the last whole request.</summary>
    public string FileName { get; private set; } = "";

    /// <summary>True while the peer owes the pipe of <see cref="FileName"/>.</summary>
    public bool OwesPipe => _state == State.Pipe;

    public SafeFileHandle Handle => _connection.Handle;

    /// <summary>Takes what one read brings; stream-protocol for anything that CRIU does not send.</summary>
    public ControlStep Advance()
    {
        if (_state == State.Pipe)
        {
            return ReceivePipe();
        }
        int read = Fds.TryRead(_connection.Handle, _buffer.AsSpan(_have, _wanted - _have));
        if (read < 0)
        {
            return ControlStep.Partial;
        }
        if (read == 0)
        {
            return _state == State.Length && _have == 0 ? ControlStep.Closed : throw StreamingErrors.Protocol("half a message before its end");
        }
        _have += read;
        return _have == _wanted ? MessagePart() : ControlStep.Partial;
    }

    /// <summary>The next thing on the socket is the byte that carries a descriptor.</summary>
    public void ExpectPipe() => _state = State.Pipe;

    /// <summary>Hands over the pipe that <see cref="ControlStep.Pipe"/> announced.</summary>
    public SafeFileHandle TakePipe()
    {
        SafeFileHandle pipe = _pipe ?? throw new InvalidOperationException("No pipe was received.");
        _pipe = null;
        return pipe;
    }

    public void Reply(bool exists) => _connection.Write(ControlMessages.Reply(exists));

    public void Dispose()
    {
        _pipe?.Dispose();
        _connection.Dispose();
    }

    private ControlStep MessagePart()
    {
        if (_state == State.Length)
        {
            Begin(State.Request, ControlMessages.ParseLength(_buffer.AsSpan(0, _have)));
            return ControlStep.Partial;
        }
        FileName = ControlMessages.ParseRequest(_buffer.AsSpan(0, _have));
        Begin(State.Length, ControlMessages.LengthBytes);
        return ControlStep.Request;
    }

    private ControlStep ReceivePipe()
    {
        _pipe = _connection.ReceiveFd();
        _state = State.Length;
        return ControlStep.Pipe;
    }

    private void Begin(State state, int wanted)
    {
        _state = state;
        _wanted = wanted;
        _have = 0;
    }
}
