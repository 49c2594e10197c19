using System.Buffers.Binary;
using System.Text;

namespace Checkpointer.Engine.Streaming;

/// <summary>
/// The two messages of CRIU's image streamer protocol (<c>images/img-streamer.proto</c>, proto2), each after a 32-bit length in native order:
/// the request <c>{ required string filename = 1; }</c> and, when restoring, the reply <c>{ required bool exists = 1; }</c>.
/// </summary>
internal static class ControlMessages
{
    /// <summary>Bytes of the length before each message.</summary>
    public const int LengthBytes = sizeof(uint);

    /// <summary>Bytes: one tag, a length of at most two bytes, the name. A longer message is refused before anything is read of it.</summary>
    public const int MaxRequestBytes = 3 + ImageNames.MaxLength;

    // Tag and shortest length byte, one character.
    private const int MinRequestBytes = 3;
    private const byte FileNameTag = (1 << 3) | 2;
    private const byte ExistsTag = 1 << 3;
    private const byte MoreBytes = 0x80;
    private const int VarintBits = 7;

    /// <summary>The length of the message that follows; protocol-violation when it cannot be one.</summary>
    public static int ParseLength(ReadOnlySpan<byte> bytes)
    {
        uint length = BitConverter.IsLittleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
        return length is >= MinRequestBytes and <= MaxRequestBytes
            ? (int)length
            : throw StreamingErrors.Protocol($"a message of {length} bytes; a request has {MinRequestBytes} to {MaxRequestBytes}");
    }

    /// <summary>The file name of a request; protocol-violation when it is anything but exactly one valid name.</summary>
    public static string ParseRequest(ReadOnlySpan<byte> message)
    {
        if (message.Length < MinRequestBytes || message[0] != FileNameTag)
        {
            throw StreamingErrors.Protocol($"a message that is no request for a file ({Describe(message)})");
        }
        int length = message[1];
        int start = 2;
        if ((length & MoreBytes) != 0)
        {
            if ((message[2] & MoreBytes) != 0)
            {
                throw StreamingErrors.Protocol("a file name longer than any image has");
            }
            length = (length & ~MoreBytes) | (message[2] << VarintBits);
            start = 3;
        }
        ReadOnlySpan<byte> name = message[start..];
        if (name.Length != length)
        {
            throw StreamingErrors.Protocol($"a request whose name has {length} bytes in a message with room for {name.Length}");
        }
        return ImageNames.IsValid(name)
            ? Encoding.ASCII.GetString(name)
            : throw StreamingErrors.Protocol($"a file name that no image has ({Describe(name)})");
    }

    /// <summary>A whole reply, its length included.</summary>
    public static byte[] Reply(bool exists)
    {
        byte[] reply = new byte[LengthBytes + 2];
        BitConverter.TryWriteBytes(reply, 2u);
        reply[LengthBytes] = ExistsTag;
        reply[LengthBytes + 1] = exists ? (byte)1 : (byte)0;
        return reply;
    }

    // Hostile bytes reach logs only as hexadecimal digits, and only a few.
    private static string Describe(ReadOnlySpan<byte> bytes)
    {
        const int shown = 16;
        return Convert.ToHexString(bytes[..Math.Min(bytes.Length, shown)]) + (bytes.Length > shown ? "..." : "");
    }
}
