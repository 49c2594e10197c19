using System.Globalization;

namespace Checkpointer.Containers.Tests;

/// <summary>Logs as CRI runtimes write them: <c>TIME STREAM F|P TEXT</c>, where P is a part of a line that goes on.</summary>
internal static class CriLog
{
    private const int Fields = 4;

    /// <summary>When the lines were written that begin so, in order.</summary>
    internal static IReadOnlyList<DateTimeOffset> Times(string path, string prefix) =>
    [
        .. File.ReadAllText(path).Split('\n').Select(line => line.Split(' ', Fields))
            .Where(fields => fields.Length == Fields && fields[3].StartsWith(prefix, StringComparison.Ordinal))
            .Select(fields => DateTimeOffset.Parse(fields[0], CultureInfo.InvariantCulture)),
    ];

    internal static IReadOnlyList<string> Read(string path)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        var lines = new List<string>();
        var parts = "";
        foreach (var line in File.ReadAllText(path).Split('\n'))
        {
            var fields = line.Split(' ', Fields);
            if (fields.Length == Fields)
            {
                parts += fields[3].TrimEnd('\r');
                if (fields[2] == "F")
                {
                    lines.Add(parts);
                    parts = "";
                }
            }
        }

        return lines;
    }
}
