using System.Buffers.Binary;

namespace Checkpointer.Repository;

/// <summary>The plain (but authenticated) 12 bytes before a sealed payload.</summary>
internal readonly record struct FrameHeader(FrameCodec Codec, int RawLength, int PayloadLength)
{
    public int FrameLength => PayloadLength + FormatConstants.FrameOverhead;

    public void Write(Span<byte> destination)
    {
        destination[0] = (byte)Codec;
        destination[1] = 0;
        destination[2] = 0;
        destination[3] = 0;
        BinaryPrimitives.WriteInt32LittleEndian(destination[4..], RawLength);
        BinaryPrimitives.WriteInt32LittleEndian(destination[8..], PayloadLength);
    }

    /// <summary>False for anything that breaks the rules; both lengths are then at most <paramref name="maxRaw"/>.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, int maxRaw, out FrameHeader header)
    {
        header = default;
        if (source.Length < FormatConstants.FrameHeaderSize || (source[1] | source[2] | source[3]) != 0)
        {
            return false;
        }

        FrameCodec codec = (FrameCodec)source[0];
        uint raw = BinaryPrimitives.ReadUInt32LittleEndian(source[4..]);
        uint payload = BinaryPrimitives.ReadUInt32LittleEndian(source[8..]);
        bool sound = codec switch
        {
            FrameCodec.Raw => payload == raw,
            FrameCodec.Lz4 => payload < raw,
            FrameCodec.End => raw == FormatConstants.EndPayload && payload == raw,
            _ => false,
        };
        if (!sound || raw == 0 || payload == 0 || raw > (uint)maxRaw)
        {
            return false;
        }

        header = new FrameHeader(codec, (int)raw, (int)payload);
        return true;
    }
}
