namespace Checkpointer.Engine.Criu;

/// <summary>How much a line of CRIU's log says.</summary>
internal enum CriuLineKind
{
    /// <summary>The reason of the failure.</summary>
    Cause,

    /// <summary>What another line caused; it is shown only when nothing better is there.</summary>
    FollowUp,

    /// <summary>Printed on success too.</summary>
    Harmless,
}

/// <summary>A line that CRIU is known to write, and what it means.</summary>
/// <param name="Code">Stable kebab-case code.</param>
/// <param name="Cause">One sentence for people.</param>
/// <param name="Remedy">One sentence for people.</param>
/// <param name="Texts">The line holds one of these. A text with <c>*</c> wants its parts in this order.</param>
/// <param name="Kind">How much it says.</param>
internal sealed record CriuLogEntry(string Code, string Cause, string Remedy, string[] Texts, CriuLineKind Kind = CriuLineKind.Cause)
{
    public bool Matches(string line)
    {
        foreach (string text in Texts)
        {
            if (Holds(line, text))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Holds(string line, string text)
    {
        int position = 0;
        foreach (string part in text.Split('*'))
        {
            int found = line.IndexOf(part, position, StringComparison.Ordinal);
            if (found < 0)
            {
                return false;
            }

            position = found + part.Length;
        }

        return true;
    }
}
