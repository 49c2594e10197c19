using System.Globalization;
using System.Text;

namespace Checkpointer;

/// <summary>Time spans as people write them: <c>500ms</c>, <c>90s</c>, <c>5m</c>, <c>1h30m</c>, <c>2d</c>.</summary>
public static class Durations
{
    /// <summary>
    /// Reads one or more numbers with unit (d, h, m, s, ms); a bare number is seconds. Raises
    /// <see cref="UsageException"/> with code <c>bad-duration</c> for anything else, negative or too long.
    /// </summary>
    public static TimeSpan Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        ReadOnlySpan<char> rest = text.AsSpan().Trim();
        if (rest.IsEmpty)
        {
            throw Bad(text);
        }

        if (char.IsAsciiDigit(rest[^1]))
        {
            return FromSeconds(ParseNumber(rest, text), text);
        }

        decimal seconds = 0;
        while (!rest.IsEmpty)
        {
            int digits = rest.IndexOfAnyExcept("0123456789.");
            if (digits <= 0)
            {
                throw Bad(text);
            }

            decimal number = ParseNumber(rest[..digits], text);
            rest = rest[digits..];
            int letters = rest.IndexOfAny("0123456789.");
            ReadOnlySpan<char> unit = letters < 0 ? rest : rest[..letters];
            seconds += number * SecondsOf(unit, text);
            rest = rest[unit.Length..];
        }

        return FromSeconds(seconds, text);
    }

    /// <summary>Writes a time span in the same notation: <c>500ms</c>, <c>1.5s</c>, <c>5m</c>, <c>1h30m</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        if (duration < TimeSpan.Zero)
        {
            return "-" + Format(duration == TimeSpan.MinValue ? TimeSpan.MaxValue : -duration);
        }

        if (duration == TimeSpan.Zero)
        {
            return "0s";
        }

        if (duration < TimeSpan.FromSeconds(1))
        {
            return string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMilliseconds:0.###}ms");
        }

        if (duration < TimeSpan.FromMinutes(1))
        {
            // Cut, not rounded: 59.9999 s must not become "60s".
            decimal seconds = decimal.Floor(duration.Ticks / (decimal)TimeSpan.TicksPerMillisecond) / 1000;
            return string.Create(CultureInfo.InvariantCulture, $"{seconds:0.###}s");
        }

        StringBuilder text = new();
        Append(text, duration.Days, 'd');
        Append(text, duration.Hours, 'h');
        Append(text, duration.Minutes, 'm');
        Append(text, duration.Seconds, 's');
        return text.ToString();
    }

    private static void Append(StringBuilder text, int value, char unit)
    {
        if (value > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"{value}{unit}");
        }
    }

    private static decimal ParseNumber(ReadOnlySpan<char> digits, string text) =>
        decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number)
        && number <= int.MaxValue
            ? number
            : throw Bad(text);

    private static decimal SecondsOf(ReadOnlySpan<char> unit, string text) => unit switch
    {
        "ms" => 0.001m,
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => throw Bad(text),
    };

    private static TimeSpan FromSeconds(decimal seconds, string text)
    {
        decimal ticks = seconds * TimeSpan.TicksPerSecond;
        return ticks <= TimeSpan.MaxValue.Ticks ? TimeSpan.FromTicks((long)ticks) : throw Bad(text);
    }

    private static UsageException Bad(string text) =>
        new("bad-duration", $"'{text}' is not a duration.", "Write numbers with units, such as 500ms, 90s, 5m or 1h30m.");
}
