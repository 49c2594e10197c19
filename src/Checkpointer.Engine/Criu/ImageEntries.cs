using System.Buffers.Binary;

namespace Checkpointer.Engine.Criu;

/// <summary>The entries of one of CRIU's images: messages, each with its length before it, behind a magic.</summary>
internal static class ImageEntries
{
    private const int MagicBytes = 8;
    private const int LengthBytes = 4;

    /// <summary>Changes bytes of one entry, never its length.</summary>
    public delegate void Editor(Span<byte> entry);

    /// <returns>A copy with every entry edited; an unchanged one where a length is not understood, so that CRIU judges it.</returns>
    public static byte[] Edit(ReadOnlySpan<byte> image, Editor edit)
    {
        byte[] edited = image.ToArray();
        int position = MagicBytes;
        while (position + LengthBytes <= edited.Length)
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(edited.AsSpan(position));
            position += LengthBytes;
            if (length > edited.Length - position)
            {
                return image.ToArray();
            }

            edit(edited.AsSpan(position, (int)length));
            position += (int)length;
        }

        return edited;
    }

    /// <summary>Makes a number zero where it stands, by one of the same length that means zero: 80 80 00. So nothing moves, and no length changes.</summary>
    public static void Clear(Span<byte> entry, Range? number)
    {
        if (number is { } range)
        {
            Span<byte> bytes = entry[range];
            bytes[..^1].Fill(0x80);
            bytes[^1] = 0;
        }
    }
}
