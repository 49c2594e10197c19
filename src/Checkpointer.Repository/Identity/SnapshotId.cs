using System.Globalization;

namespace Checkpointer.Repository;

/// <summary>One snapshot: its lineage and its generation (1 or higher). Text: <c>&lt;32 hex&gt;-&lt;generation in decimal&gt;</c>.</summary>
public readonly record struct SnapshotId(LineageId Lineage, long Generation)
{
    /// <summary>Reads the text form; leading zeros, signs and generations below 1 are refused, so that one id has one spelling.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out SnapshotId id)
    {
        id = default;
        if (text.Length < LineageId.TextLength + 2
            || text[LineageId.TextLength] != '-'
            || !LineageId.TryParse(text[..LineageId.TextLength], out LineageId lineage))
        {
            return false;
        }

        ReadOnlySpan<char> digits = text[(LineageId.TextLength + 1)..];
        if (digits[0] is < '1' or > '9' || !long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long generation))
        {
            return false;
        }

        id = new SnapshotId(lineage, generation);
        return true;
    }

    /// <summary>As <see cref="TryParse"/>; throws <see cref="FormatException"/>.</summary>
    public static SnapshotId Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out SnapshotId id) ? id : throw new FormatException($"'{text}' is not a snapshot id");

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Lineage}-{Generation}");
}
