using System.Globalization;

namespace Checkpointer.Engine.Compatibility;

/// <summary>Versions as kernels and CRIU write them.</summary>
internal static class Versions
{
    /// <summary>The leading numbers (<c>6.18.44</c> of <c>6.18.44-fc-v782</c>), always with three parts; null when there are none.</summary>
    public static Version? Parse(string text)
    {
        int end = 0;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == '.'))
        {
            end++;
        }

        string[] parts = text[..end].Split('.', StringSplitOptions.RemoveEmptyEntries);
        int[] numbers = new int[3];
        for (int i = 0; i < numbers.Length && i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]))
            {
                return null;
            }
        }

        return parts.Length == 0 ? null : new Version(numbers[0], numbers[1], numbers[2]);
    }
}
