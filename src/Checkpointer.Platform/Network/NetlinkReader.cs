using System.Runtime.InteropServices;
using System.Text;

namespace Checkpointer.Platform;

/// <summary>Walks the messages of one received datagram and their attributes; bounded by the bytes that are there.</summary>
internal ref struct NetlinkReader(ReadOnlySpan<byte> datagram)
{
    private ReadOnlySpan<byte> _rest = datagram;

    internal ushort Type { get; private set; }

    internal ushort Flags { get; private set; }

    internal uint Sequence { get; private set; }

    /// <summary>What follows the header of the present message.</summary>
    internal ReadOnlySpan<byte> Body { get; private set; }

    internal bool Next()
    {
        if (_rest.Length < NetlinkMessage.HeaderBytes)
        {
            return false;
        }

        uint length = MemoryMarshal.Read<uint>(_rest);
        if (length < NetlinkMessage.HeaderBytes || length > _rest.Length)
        {
            throw new PlatformException("netlink-malformed", "The kernel's netlink answer has an impossible length.");
        }

        Type = MemoryMarshal.Read<ushort>(_rest[4..]);
        Flags = MemoryMarshal.Read<ushort>(_rest[6..]);
        Sequence = MemoryMarshal.Read<uint>(_rest[8..]);
        Body = _rest[NetlinkMessage.HeaderBytes..(int)length];
        _rest = _rest[Math.Min(Align((int)length), _rest.Length)..];
        return true;
    }

    /// <summary>The string attribute of that type behind the nfgenmsg; null when there is none.</summary>
    internal readonly string? Text(ushort type)
    {
        ReadOnlySpan<byte> attributes = Body.Length > NetlinkMessage.GenericBytes ? Body[NetlinkMessage.GenericBytes..] : [];
        while (attributes.Length >= NetlinkMessage.AttributeHeaderBytes)
        {
            int length = MemoryMarshal.Read<ushort>(attributes);
            if (length < NetlinkMessage.AttributeHeaderBytes || length > attributes.Length)
            {
                return null;
            }

            if (MemoryMarshal.Read<ushort>(attributes[2..]) == type)
            {
                return Encoding.UTF8.GetString(attributes[NetlinkMessage.AttributeHeaderBytes..length].TrimEnd((byte)0));
            }

            attributes = attributes[Math.Min(Align(length), attributes.Length)..];
        }

        return null;
    }

    private static int Align(int length) => (length + NetlinkMessage.Alignment - 1) & -NetlinkMessage.Alignment;
}
