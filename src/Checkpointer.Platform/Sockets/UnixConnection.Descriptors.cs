using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Platform;

public sealed unsafe partial class UnixConnection
{
    /// <summary>
    /// Room for more fds than are ever expected, so that a surplus is seen and closed here. (A buffer for just one
    /// would let a second through: control data are padded to 8 bytes.)
    /// </summary>
    private const int MaxDescriptorsPerMessage = 16;

    private static readonly int ControlBytes = sizeof(Libc.ControlHeader) + (MaxDescriptorsPerMessage * sizeof(int));

    /// <summary>
    /// Receives exactly one byte that carries exactly one fd (close-on-exec). Raises <see cref="PlatformException"/>:
    /// <c>connection-closed</c>, <c>fd-missing</c>, or <c>fd-unexpected</c> for several or truncated ones, which are closed.
    /// </summary>
    public SafeFileHandle ReceiveFd()
    {
        Deadline deadline = Deadline.After(Timeout);
        byte* control = stackalloc byte[ControlBytes];
        byte data;
        Libc.IoVector vector = new() { Base = &data, Length = 1 };
        Libc.MessageHeader message;
        nint count;
        while (true)
        {
            message = new Libc.MessageHeader
            {
                Vectors = &vector,
                VectorCount = 1,
                Control = control,
                ControlLength = (nuint)ControlBytes,
            };
            count = Libc.ReceiveMessage(Handle, &message, Libc.MsgControlCloseOnExec | Libc.MsgDontWait);
            if (count >= 0)
            {
                break;
            }

            WaitOrThrow("recvmsg", Libc.PollIn, deadline);
        }

        List<SafeFileHandle> received = Collect(&message);
        bool truncated = (message.Flags & Libc.MsgControlTruncated) != 0;
        if (received.Count == 1 && !truncated && count == 1)
        {
            return received[0];
        }

        foreach (SafeFileHandle handle in received)
        {
            handle.Dispose();
        }

        throw Refusal(count, received.Count, truncated);
    }

    /// <summary>Sends one zero byte that carries the fd. The own handle stays open.</summary>
    public void SendFd(SafeHandle handle) => SendFds([handle]);

    /// <summary>Several fds with one byte: what a peer must never do to <see cref="ReceiveFd"/>.</summary>
    internal void SendFds(ReadOnlySpan<SafeHandle> handles)
    {
        Deadline deadline = Deadline.After(Timeout);
        int length = sizeof(Libc.ControlHeader) + (handles.Length * sizeof(int));
        byte* control = stackalloc byte[Align(length)];
        new Span<byte>(control, Align(length)).Clear();
        Libc.ControlHeader* header = (Libc.ControlHeader*)control;
        header->Length = (nuint)length;
        header->Level = Libc.SolSocket;
        header->Type = Libc.ScmRights;
        byte data = 0;
        Libc.IoVector vector = new() { Base = &data, Length = 1 };
        Libc.MessageHeader message = new()
        {
            Vectors = &vector,
            VectorCount = 1,
            Control = control,
            ControlLength = (nuint)Align(length),
        };
        int held = 0;
        try
        {
            foreach (SafeHandle handle in handles)
            {
                bool added = false;
                handle.DangerousAddRef(ref added);
                ((int*)(header + 1))[held++] = (int)handle.DangerousGetHandle();
            }

            while (Libc.SendMessage(Handle, &message, Libc.MsgDontWait | Libc.MsgNoSignal) < 0)
            {
                WaitOrThrow("sendmsg", Libc.PollOut, deadline);
            }
        }
        finally
        {
            foreach (SafeHandle handle in handles[..held])
            {
                handle.DangerousRelease();
            }
        }
    }

    private static int Align(int length) => (length + sizeof(long) - 1) & -sizeof(long);

    private static List<SafeFileHandle> Collect(Libc.MessageHeader* message)
    {
        List<SafeFileHandle> received = [];
        nuint offset = 0;
        while (message->ControlLength >= offset + (nuint)sizeof(Libc.ControlHeader))
        {
            Libc.ControlHeader* header = (Libc.ControlHeader*)(message->Control + offset);
            nuint length = header->Length;
            if (length < (nuint)sizeof(Libc.ControlHeader) || length > message->ControlLength - offset)
            {
                break;
            }

            if (header->Level == Libc.SolSocket && header->Type == Libc.ScmRights)
            {
                int* fds = (int*)(header + 1);
                nuint fdCount = (length - (nuint)sizeof(Libc.ControlHeader)) / sizeof(int);
                for (nuint i = 0; i < fdCount; i++)
                {
                    received.Add(new SafeFileHandle(fds[i], ownsHandle: true));
                }
            }

            offset += (nuint)Align((int)length);
        }

        return received;
    }

    private static PlatformException Refusal(nint count, int descriptors, bool truncated)
    {
        if (count == 0)
        {
            return Closed("where an fd was expected");
        }

        return descriptors == 0 && !truncated
            ? new PlatformException("fd-missing", "The peer sent a byte without the fd that belongs to it.")
            : new PlatformException("fd-unexpected", $"The peer sent {descriptors} fds{(truncated ? ", truncated," : "")} instead of one.");
    }
}
