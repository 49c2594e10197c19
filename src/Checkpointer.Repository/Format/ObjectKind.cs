using System.Buffers.Binary;

namespace Checkpointer.Repository;

/// <summary>What a binary object is. The numbers are persisted.</summary>
internal enum ObjectKind : ushort
{
    Pack = 1,
    Map = 2,
    Manifest = 3,
    Superseded = 4,
    Intent = 5,
    Move = 6,
    LeaseNote = 7,
}

/// <summary>How a frame's payload is encoded. The numbers are persisted; 0 and all others are invalid.</summary>
internal enum FrameCodec : byte
{
    Raw = 1,
    Lz4 = 2,
    End = 3,
}

/// <summary>What a map entry stands for. The numbers are persisted; 0 and all others are invalid.</summary>
internal enum EntryKind : byte
{
    Chunk = 1,
    Zero = 2,
}

/// <summary>The first bytes of every binary object.</summary>
internal static class ObjectHeader
{
    public static ReadOnlySpan<byte> Magic(ObjectKind kind) => kind switch
    {
        ObjectKind.Pack => "CKPTPACK"u8,
        ObjectKind.Map => "CKPTMAP1"u8,
        ObjectKind.Manifest => "CKPTSNAP"u8,
        ObjectKind.Superseded => "CKPTSUPR"u8,
        ObjectKind.Intent => "CKPTWRIT"u8,
        ObjectKind.Move => "CKPTMOVE"u8,
        ObjectKind.LeaseNote => "CKPTLOCK"u8,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    public static void Write(Span<byte> destination, ObjectKind kind, ObjectId id)
    {
        destination[..FormatConstants.ObjectHeaderSize].Clear();
        Magic(kind).CopyTo(destination);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[8..], FormatConstants.Version);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[10..], (ushort)kind);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], FormatConstants.ObjectHeaderSize);
        id.Write(destination[16..]);
    }

    /// <summary>The id in the header. Throws repository-damaged or repository-too-new.</summary>
    public static ObjectId Read(ReadOnlySpan<byte> header, ObjectKind kind, string name)
    {
        if (header.Length < FormatConstants.ObjectHeaderSize || !header.StartsWith(Magic(kind)))
        {
            throw Damage.Of(name, "it does not begin as such an object does");
        }

        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(header[8..]);
        if (version > FormatConstants.Version)
        {
            throw Damage.TooNew(name, version);
        }

        if (version != FormatConstants.Version
            || BinaryPrimitives.ReadUInt16LittleEndian(header[10..]) != (ushort)kind
            || BinaryPrimitives.ReadUInt32LittleEndian(header[12..]) != FormatConstants.ObjectHeaderSize
            || header.Slice(32, 8).ContainsAnyExcept((byte)0))
        {
            throw Damage.Of(name, "its header is wrong");
        }

        return ObjectId.Read(header[16..]);
    }
}
