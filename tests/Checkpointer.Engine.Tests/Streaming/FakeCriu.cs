using System.Buffers.Binary;
using System.Text;
using Checkpointer.Engine.Streaming;
using Checkpointer.Platform;
using Microsoft.Win32.SafeHandles;

namespace Checkpointer.Engine.Tests.Streaming;

/// <summary>CRIU's side of the stream protocol, byte for byte; blocking, so each use has its own thread.</summary>
internal sealed class FakeCriu : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Lock _gate = new();

    private FakeCriu(UnixConnection connection) => Connection = connection;

    public UnixConnection Connection { get; }

    public static FakeCriu ForDump(string dir) => new(UnixListener.Connect(Path.Combine(dir, CaptureServer.SocketName), Patience));

    public static FakeCriu ForRestore(string dir) => new(UnixListener.Connect(Path.Combine(dir, ImageServer.SocketName), Patience));

    public static byte[] Request(string name)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(name);
        byte[] header = bytes.Length < 128 ? [0x0A, (byte)bytes.Length] : [0x0A, (byte)(0x80 | (bytes.Length & 0x7F)), (byte)(bytes.Length >> 7)];
        byte[] message = new byte[4 + header.Length + bytes.Length];
        BinaryPrimitives.WriteInt32LittleEndian(message, header.Length + bytes.Length);
        header.CopyTo(message, 4);
        bytes.CopyTo(message, 4 + header.Length);
        return message;
    }

    /// <summary>Dump: opens an image; the returned end is written to and closed.</summary>
    public SafeFileHandle Create(string name)
    {
        PipePair pipe = Fds.Pipe();
        lock (_gate)
        {
            Connection.Write(Request(name));
            Connection.SendFd(pipe.Reader);
        }
        pipe.Reader.Dispose();
        return pipe.Writer;
    }

    /// <summary>Dump: a whole file at once.</summary>
    public void Write(string name, ReadOnlySpan<byte> content)
    {
        using SafeFileHandle pipe = Create(name);
        Fds.WriteAll(pipe, content);
    }

    /// <summary>Restore: the end to read from; null when the image is absent. Children of CRIU share the socket, hence the lock.</summary>
    public SafeFileHandle? Open(string name)
    {
        lock (_gate)
        {
            Connection.Write(Request(name));
            byte[] reply = new byte[6];
            if (!Connection.ReadExactly(reply))
            {
                throw new EndOfStreamException("The streamer closed the socket.");
            }
            Assert.Equal([2, 0, 0, 0, 8], reply[..5]);
            if (reply[5] == 0)
            {
                return null;
            }
            PipePair pipe = Fds.Pipe();
            Connection.SendFd(pipe.Writer);
            pipe.Writer.Dispose();
            return pipe.Reader;
        }
    }

    /// <summary>Restore: a whole file at once.</summary>
    public byte[] Read(string name)
    {
        using SafeFileHandle pipe = Open(name) ?? throw new FileNotFoundException(name);
        return ReadToEnd(pipe);
    }

    public static byte[] ReadToEnd(SafeFileHandle pipe, int most = int.MaxValue)
    {
        MemoryStream all = new();
        byte[] buffer = new byte[64 << 10];
        while (all.Length < most)
        {
            int count = Fds.Read(pipe, buffer.AsSpan(0, (int)Math.Min(buffer.Length, most - all.Length)));
            if (count == 0)
            {
                break;
            }
            all.Write(buffer, 0, count);
        }
        return all.ToArray();
    }

    public void Dispose() => Connection.Dispose();
}
