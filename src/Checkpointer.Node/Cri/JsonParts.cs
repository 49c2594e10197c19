using System.Text.Json;

namespace Checkpointer.Node.Cri;

/// <summary>
/// Reading JSON that anybody may have shaped: what is absent, of another kind or too much is as if it were not there, and nothing throws.
/// </summary>
internal static class JsonParts
{
    /// <summary>Entries of one list or map; a container with more variables or mounts than this does not start.</summary>
    public const int MaxEntries = 20_000;

    public static JsonElement Part(this JsonElement element, string name)
    {
        return element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;
    }

    public static JsonElement Part(this JsonElement element, string first, string second) => element.Part(first).Part(second);

    public static string? Text(this JsonElement element)
    {
        return element.ValueKind == JsonValueKind.String && element.GetString() is { Length: > 0 } text ? text : null;
    }

    public static long? Number(this JsonElement element)
    {
        return element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out var number) ? number : null;
    }

    public static bool Flag(this JsonElement element) => element.ValueKind == JsonValueKind.True;

    public static IEnumerable<JsonElement> Items(this JsonElement element)
    {
        return element.ValueKind == JsonValueKind.Array ? element.EnumerateArray().Take(MaxEntries) : [];
    }

    public static IReadOnlyList<string> Texts(this JsonElement element)
    {
        // An empty string counts: it may be a program's argument.
        return [.. element.Items().Where(static e => e.ValueKind == JsonValueKind.String).Select(static e => e.GetString()!)];
    }

    public static IReadOnlyDictionary<string, string> Map(this JsonElement element)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in element.EnumerateObject().Take(MaxEntries))
            {
                if (property.Value.ValueKind == JsonValueKind.String)
                {
                    map[property.Name] = property.Value.GetString()!;
                }
            }
        }

        return map;
    }
}
