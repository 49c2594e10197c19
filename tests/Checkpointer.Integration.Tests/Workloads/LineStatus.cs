using System.Globalization;

namespace Checkpointer.Integration.Tests;

/// <summary>The one-line status of <c>fill</c> and <c>Heap</c>: <c>count=12 errors=0 ...</c>.</summary>
internal sealed class LineStatus
{
    private readonly Dictionary<string, string> _values;

    private LineStatus(string line)
    {
        _values = line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(part => part.Split('=', 2)).Where(pair => pair.Length == 2)
            .ToDictionary(pair => pair[0], pair => pair[1].Trim());
    }

    internal string this[string name] => _values[name];

    internal long Number(string name) => long.Parse(_values[name], CultureInfo.InvariantCulture);

    /// <summary>Null before the program wrote its first status.</summary>
    internal static LineStatus? Read(string path)
    {
        var text = File.Exists(path) ? File.ReadAllText(path) : "";
        return text.Contains("count=", StringComparison.Ordinal) ? new LineStatus(text) : null;
    }

    /// <summary>Waits until this value has grown beyond what it is now.</summary>
    internal static Task<LineStatus> MustGrowAsync(string path, string name, TimeSpan limit) =>
        MustGrowAsync(path, name, limit, Read(path)?.Number(name) ?? 0);

    /// <summary>Waits until it has grown beyond what it was.</summary>
    internal static Task<LineStatus> MustGrowAsync(string path, string name, TimeSpan limit, long before) => Eventually.ValueAsync(
        $"{name} above {before} in {path}", limit, () => Read(path) is { } status && status.Number(name) > before ? status : null);
}
