using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Checkpointer.Platform;

/// <summary>Builds nfnetlink messages: header, nfgenmsg, attributes, all in the machine's byte order but the resource id.</summary>
internal sealed class NetlinkMessage
{
    internal const int HeaderBytes = 16;
    internal const int GenericBytes = 4; // struct nfgenmsg
    internal const int AttributeHeaderBytes = 4;
    internal const int Alignment = 4;

    internal const ushort FlagRequest = 0x1;
    internal const ushort FlagAcknowledge = 0x4;
    internal const ushort FlagDump = 0x300;
    internal const ushort FlagDumpInterrupted = 0x10; // in answers

    private readonly List<byte> _bytes = [];
    private int _start;

    internal byte[] ToArray() => [.. _bytes];

    /// <summary>Starts a message; several may follow each other in one datagram.</summary>
    internal NetlinkMessage Begin(ushort type, ushort flags, uint sequence, byte family, ushort resourceId)
    {
        _start = _bytes.Count;
        Span<byte> header = stackalloc byte[HeaderBytes + GenericBytes];
        header.Clear();
        MemoryMarshal.Write(header[4..], type);
        MemoryMarshal.Write(header[6..], flags);
        MemoryMarshal.Write(header[8..], sequence);
        header[HeaderBytes] = family;
        BinaryPrimitives.WriteUInt16BigEndian(header[(HeaderBytes + 2)..], resourceId);
        _bytes.AddRange(header);
        return End();
    }

    /// <summary>Adds an attribute with a NUL-terminated string.</summary>
    internal NetlinkMessage Text(ushort type, string value)
    {
        return Bytes(type, [.. Encoding.UTF8.GetBytes(value), 0]);
    }

    /// <summary>Adds an attribute with bytes as they are.</summary>
    internal NetlinkMessage Bytes(ushort type, ReadOnlySpan<byte> value)
    {
        Span<byte> header = stackalloc byte[AttributeHeaderBytes];
        MemoryMarshal.Write(header, (ushort)(AttributeHeaderBytes + value.Length));
        MemoryMarshal.Write(header[2..], type);
        _bytes.AddRange(header);
        _bytes.AddRange(value);
        while (_bytes.Count % Alignment != 0)
        {
            _bytes.Add(0);
        }

        return End();
    }

    /// <summary>Adds an attribute with a number, in the byte order of the network: so nftables wants its numbers.</summary>
    internal NetlinkMessage Number(ushort type, uint value)
    {
        Span<byte> attribute = stackalloc byte[AttributeHeaderBytes + sizeof(uint)];
        MemoryMarshal.Write(attribute, (ushort)attribute.Length);
        MemoryMarshal.Write(attribute[2..], type);
        BinaryPrimitives.WriteUInt32BigEndian(attribute[AttributeHeaderBytes..], value);
        _bytes.AddRange(attribute);
        return End();
    }

    /// <summary>Adds an attribute that holds the attributes which <paramref name="inside"/> adds.</summary>
    internal NetlinkMessage Nested(ushort type, Action<NetlinkMessage> inside)
    {
        const ushort IsNested = 0x8000;
        int start = _bytes.Count;
        Span<byte> header = stackalloc byte[AttributeHeaderBytes];
        MemoryMarshal.Write(header[2..], (ushort)(type | IsNested));
        _bytes.AddRange(header);
        inside(this);
        MemoryMarshal.Write(CollectionsMarshal.AsSpan(_bytes)[start..], (ushort)(_bytes.Count - start));
        return End();
    }

    /// <summary>Writes the length of the message so far into its header.</summary>
    private NetlinkMessage End()
    {
        MemoryMarshal.Write(CollectionsMarshal.AsSpan(_bytes)[_start..], (uint)(_bytes.Count - _start));
        return this;
    }
}
