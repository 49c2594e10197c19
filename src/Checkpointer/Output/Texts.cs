using System.Globalization;

namespace Checkpointer.Cli.Output;

/// <summary>Numbers and times as people read them.</summary>
internal static class Texts
{
    /// <summary>UTC, to the second: the same on every node.</summary>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Three digits are enough to read: <c>1.23s</c>, <c>87ms</c>, <c>2m5s</c>.</summary>
    public static string Milliseconds(double milliseconds)
    {
        var digits = milliseconds switch
        {
            < 10 => Math.Round(milliseconds, 2),
            < 1000 => Math.Round(milliseconds),
            _ => Math.Round(milliseconds / 10) * 10,
        };
        return Durations.Format(TimeSpan.FromMilliseconds(digits));
    }

    public static string Span(TimeSpan span) => Milliseconds(span.TotalMilliseconds);

    /// <summary>How many times smaller the stored bytes are; a dash where nothing was stored.</summary>
    public static string Ratio(long captured, long stored)
    {
        return stored > 0 && captured > 0 ? ((double)captured / stored).ToString("0.0", CultureInfo.InvariantCulture) : "-";
    }

    /// <summary>"1 pack", "2 packs": for words that take an s.</summary>
    public static string Count(int number, string word) => string.Create(CultureInfo.InvariantCulture, $"{number} {word}{(number == 1 ? "" : "s")}");

    public static string Rate(double bytesPerSecond) => ByteSize.Format((long)bytesPerSecond) + "/s";
}
