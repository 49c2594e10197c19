using Checkpointer.Cli.Errors;

namespace Checkpointer.Cli.Output;

/// <summary>A table without lines: as wide as it must be, never wrapped, so that <c>grep</c> and <c>awk</c> can read it.</summary>
internal static class Columns
{
    private const int Gap = 2;

    public static IEnumerable<string> Lines(IReadOnlyList<string> header, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var widths = header.Select(cell => cell.Length).ToArray();
        foreach (var row in rows)
        {
            for (var i = 0; i < widths.Length; i++)
            {
                widths[i] = Math.Max(widths[i], row[i].Length);
            }
        }

        yield return Line(header, widths);
        foreach (var row in rows)
        {
            yield return Line(row, widths);
        }
    }

    /// <summary>Pairs of a label and a value, aligned.</summary>
    public static IEnumerable<string> Pairs(params IReadOnlyList<(string Label, string Value)> pairs)
    {
        var width = pairs.Max(pair => pair.Label.Length) + Gap;
        return pairs.Select(pair => ErrorText.OneLine(pair.Label.PadRight(width) + pair.Value));
    }

    private static string Line(IReadOnlyList<string> cells, int[] widths)
    {
        var padded = cells.Select((cell, i) => cell.PadRight(widths[i] + Gap));
        return ErrorText.OneLine(string.Concat(padded).TrimEnd());
    }
}
