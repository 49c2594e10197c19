namespace Checkpointer.Engine.FileState.Trees;

/// <summary>Numbers of the index: seven bits a byte, the lowest first, the high bit where more follow.</summary>
internal static class Varint
{
    /// <summary>Bytes of the longest: 64 bits.</summary>
    public const int MaxLength = 10;

    public static int Write(ulong value, Span<byte> destination)
    {
        var length = 0;
        while (value >= 0x80)
        {
            destination[length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        destination[length++] = (byte)value;
        return length;
    }

    /// <summary>Bytes read; 0 when the number is not all there, -1 when it is longer than 64 bits.</summary>
    public static int Read(ReadOnlySpan<byte> source, out ulong value)
    {
        value = 0;
        for (var i = 0; i < source.Length; i++)
        {
            if (i == MaxLength - 1 && source[i] > 1)
            {
                return -1;
            }

            value |= (ulong)(source[i] & 0x7f) << (7 * i);
            if (source[i] < 0x80)
            {
                return i + 1;
            }
        }

        return 0;
    }

    /// <summary>Small numbers of either sign to small ones without a sign.</summary>
    public static ulong Fold(long value) => (ulong)((value << 1) ^ (value >> 63));

    public static long Unfold(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);
}
