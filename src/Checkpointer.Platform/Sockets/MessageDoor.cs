using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

/// <summary>
/// A socket with message boundaries (SOCK_SEQPACKET) that many ask at once: each question carries a descriptor for its own answer, so
/// that nobody gets another's.
/// </summary>
public sealed unsafe class MessageDoor : IDisposable
{
    private const int SockSequencedPacket = 5;

    private readonly SafeFileHandle _door;

    /// <param name="door">The socket; owned from now on.</param>
    public MessageDoor(SafeFileHandle door)
    {
        ArgumentNullException.ThrowIfNull(door);
        _door = door;
    }

    /// <summary>Asks, and returns the answer, cut at <paramref name="maxLength"/> bytes; null when the other side ended without one.</summary>
    /// <exception cref="TimeoutException">No answer came in time.</exception>
    /// <exception cref="PlatformException">The question could not be sent: EPIPE, ECONNREFUSED where the other side is gone.</exception>
    public string? Ask(string question, int maxLength, TimeSpan timeout, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(question);
        Deadline deadline = Deadline.After(timeout);
        int* ends = stackalloc int[2];
        if (Libc.SocketPair(Libc.AfUnix, SockSequencedPacket | Libc.SockCloseOnExec, 0, ends) != 0)
        {
            throw Libc.Failure("socketpair");
        }

        using SafeFileHandle answer = new(ends[0], ownsHandle: true);
        using (SafeFileHandle reply = new(ends[1], ownsHandle: true))
        {
            Send(Encoding.UTF8.GetBytes(question), reply, deadline, cancellationToken);
        }

        if (!Readiness.Wait(answer, Libc.PollIn, deadline, cancellationToken))
        {
            throw new TimeoutException($"no answer within {Durations.Format(timeout)}");
        }

        byte[] buffer = new byte[maxLength];
        int count = Fds.Read(answer, buffer);
        return count == 0 ? null : Encoding.UTF8.GetString(buffer, 0, count);
    }

    /// <summary>Closes our handle of the socket.</summary>
    public void Dispose() => _door.Dispose();

    private void Send(byte[] text, SafeFileHandle reply, Deadline deadline, CancellationToken cancellationToken)
    {
        // One descriptor, padded as the kernel wants it.
        int controlLength = sizeof(Libc.ControlHeader) + sizeof(long);
        byte* control = stackalloc byte[controlLength];
        new Span<byte>(control, controlLength).Clear();
        Libc.ControlHeader* header = (Libc.ControlHeader*)control;
        header->Length = (nuint)(sizeof(Libc.ControlHeader) + sizeof(int));
        header->Level = Libc.SolSocket;
        header->Type = Libc.ScmRights;
        *(int*)(header + 1) = (int)reply.DangerousGetHandle(); // the caller holds it
        fixed (byte* start = text)
        {
            Libc.IoVector vector = new() { Base = start, Length = (nuint)text.Length };
            Libc.MessageHeader message = new() { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = (nuint)controlLength };
            while (Libc.SendMessage(_door, &message, Libc.MsgDontWait | Libc.MsgNoSignal) < 0)
            {
                int errno = Libc.LastError;
                if (errno is not (Errno.EAGAIN or Errno.EINTR))
                {
                    throw PlatformException.FromErrno("sendmsg", errno);
                }

                if (!Readiness.Wait(_door, Libc.PollOut, deadline, cancellationToken))
                {
                    throw new TimeoutException("the question could not be sent in time");
                }
            }
        }
    }
}
