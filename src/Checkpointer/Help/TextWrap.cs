namespace Checkpointer.Cli.Help;

/// <summary>Breaks text into lines at spaces.</summary>
internal static class TextWrap
{
    /// <summary>Written as a space, but never the end of a line.</summary>
    public const char NoBreak = '\u00a0';

    /// <summary>Every line starts at <paramref name="indent"/>.</summary>
    public static void Block(TextWriter writer, string text, int indent, int width) =>
        Hanging(writer, new string(' ', indent) + text, 0, indent, width);

    /// <summary>
    /// The first line starts at <paramref name="first"/> and keeps the spaces of the text; the others start
    /// at <paramref name="rest"/>.
    /// </summary>
    public static void Hanging(TextWriter writer, string text, int first, int rest, int width)
    {
        var line = new string(' ', first) + text;
        while (line.Length > width)
        {
            var cut = line.LastIndexOf(' ', width);
            if (cut <= rest)
            {
                cut = line.IndexOf(' ', Math.Min(rest + 1, line.Length));
                if (cut < 0)
                {
                    break;
                }
            }

            writer.WriteLine(line[..cut].TrimEnd().Replace(NoBreak, ' '));
            line = new string(' ', rest) + line[cut..].TrimStart();
        }

        writer.WriteLine(line.TrimEnd().Replace(NoBreak, ' '));
    }
}
