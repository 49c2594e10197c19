using System.Buffers.Binary;

namespace Checkpointer.Engine.Images;

/// <summary>
/// CRIU's small image files: a common and an own magic number (the inventory has only its own), then entries of a length and a protobuf message each.
/// </summary>
internal static class CriuImage
{
    /// <summary>Bytes of a file that is read whole: the process tree of a hundred thousand threads.</summary>
    public const int MaxBytes = 4 << 20;

    public const uint InventoryMagic = 0x58313116;
    public const uint ProcessTreeMagic = 0x50273030;
    public const uint CoreMagic = 0x55053847;
    private const uint CommonMagic = 0x54564319;
    private const int MagicBytes = 4;
    private const int LengthBytes = 4;

    /// <summary>The messages of a file; null where it is not one of that kind. What follows the first malformed entry is not looked at.</summary>
    public static List<ReadOnlyMemory<byte>>? Entries(ReadOnlyMemory<byte> file, uint magic)
    {
        var span = file.Span;
        var start = magic == InventoryMagic ? 0 : MagicBytes;
        if (span.Length < start + MagicBytes
            || (start > 0 && BinaryPrimitives.ReadUInt32LittleEndian(span) != CommonMagic)
            || BinaryPrimitives.ReadUInt32LittleEndian(span[start..]) != magic)
        {
            return null;
        }

        List<ReadOnlyMemory<byte>> entries = [];
        for (var at = start + MagicBytes; at + LengthBytes <= file.Length;)
        {
            var length = BinaryPrimitives.ReadUInt32LittleEndian(span[at..]);
            at += LengthBytes;
            if (length > (uint)(file.Length - at))
            {
                break;
            }

            entries.Add(file.Slice(at, (int)length));
            at += (int)length;
        }

        return entries;
    }
}
