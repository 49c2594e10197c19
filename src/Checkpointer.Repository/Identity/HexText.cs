using System.Buffers;
using System.Globalization;

namespace Checkpointer.Repository;

/// <summary>128-bit ids as text: exactly 32 lower-case hex digits, so that one id has one spelling.</summary>
internal static class HexText
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");

    public static bool TryParse(ReadOnlySpan<char> text, out UInt128 value)
    {
        value = default;
        return text.Length == 32
            && !text.ContainsAnyExcept(Digits)
            && UInt128.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>Bytes of exactly <paramref name="length"/> from lower-case hex; false for anything else.</summary>
    public static bool TryParseBytes(string? text, int length, out byte[] bytes)
    {
        bytes = [];
        if (text is null || text.Length != length * 2 || text.AsSpan().ContainsAnyExcept(Digits))
        {
            return false;
        }

        bytes = Convert.FromHexString(text);
        return true;
    }
}
