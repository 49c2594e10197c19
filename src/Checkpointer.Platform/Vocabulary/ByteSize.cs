using System.Globalization;

namespace Checkpointer;

/// <summary>Sizes in bytes as people write them. Units are binary: K is 1024, M, G, T and P follow.</summary>
public static class ByteSize
{
    private const int UnitFactor = 1024;

    private static readonly string[] UnitNames = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>
    /// Reads <c>1024</c>, <c>64K</c>, <c>512M</c>, <c>1.5GiB</c> (case and a trailing B or iB do not matter).
    /// Raises <see cref="UsageException"/> with code <c>bad-size</c> for anything else, negative or too large.
    /// </summary>
    public static long Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        ReadOnlySpan<char> rest = text.AsSpan().Trim();
        decimal unit = TakeUnit(ref rest);
        if (!decimal.TryParse(rest, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number))
        {
            throw Bad(text);
        }

        // decimal holds 28 digits, so the quotient is exact where the product could overflow.
        if (number > long.MaxValue / unit)
        {
            throw Bad(text);
        }

        return (long)(number * unit);
    }

    /// <summary>Writes a size with at most one decimal, such as <c>1.5 GiB</c> or <c>512 MiB</c>.</summary>
    public static string Format(long bytes)
    {
        decimal value = bytes;
        int unit = 0;

        // 1023.95 would be written as "1024.0", so it belongs to the next unit already.
        while (Math.Abs(value) >= 1023.95m && unit < UnitNames.Length - 1)
        {
            value /= UnitFactor;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {UnitNames[unit]}");
    }

    private static decimal TakeUnit(ref ReadOnlySpan<char> text)
    {
        ReadOnlySpan<char> rest = text;
        if (rest.EndsWith("iB", StringComparison.OrdinalIgnoreCase))
        {
            rest = rest[..^2];
            if (UnitOf(rest) == 0)
            {
                return 1; // "512iB" is left as it is, and fails as a number
            }
        }
        else if (rest.EndsWith("B", StringComparison.OrdinalIgnoreCase))
        {
            rest = rest[..^1];
        }

        int power = UnitOf(rest);
        text = (power > 0 ? rest[..^1] : rest).TrimEnd();
        decimal unit = 1;
        for (int i = 0; i < power; i++)
        {
            unit *= UnitFactor;
        }

        return unit;
    }

    private static int UnitOf(ReadOnlySpan<char> text) =>
        text.IsEmpty ? 0 : char.ToUpperInvariant(text[^1]) switch { 'K' => 1, 'M' => 2, 'G' => 3, 'T' => 4, 'P' => 5, _ => 0 };

    private static UsageException Bad(string text) =>
        new("bad-size", $"'{text}' is not a size.", "Write a number with an optional unit, such as 64K, 512M or 4G.");
}
