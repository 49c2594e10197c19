using System.Text.Json.Nodes;

namespace Checkpointer.Integration.Tests;

/// <summary>The journal on disk, as a test reads and forges it.</summary>
internal static class JournalFile
{
    /// <summary>The phase of the only open entry; null when there is none, or when it is just being replaced.</summary>
    internal static string? Phase(Lab lab)
    {
        try
        {
            return lab.JournalEntries() is [var path] ? JsonNode.Parse(File.ReadAllText(path))!["phase"]!.GetValue<string>() : null;
        }
        catch (Exception gone) when (gone is FileNotFoundException or System.Text.Json.JsonException)
        {
            return null;
        }
    }

    /// <summary>Changes the only open entry.</summary>
    internal static void Edit(Lab lab, Action<JsonObject> change)
    {
        var path = Assert.Single(lab.JournalEntries());
        var entry = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(entry);
        File.WriteAllText(path, entry.ToJsonString());
    }
}
