using System.Text.Json;
using System.Text.Json.Serialization;
using Checkpointer.Engine.Lineages;

namespace Checkpointer.Engine.Journal;

/// <summary>The JSON of the node's own state files. Unknown members are refused: a newer version wrote them.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    WriteIndented = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(JournalEntry))]
[JsonSerializable(typeof(JournalVersion))]
[JsonSerializable(typeof(LineageRecord))]
[JsonSerializable(typeof(TreeRecord))]
internal sealed partial class JournalJson : JsonSerializerContext;

/// <summary>Only the version, so that it can be judged before the rest is read.</summary>
internal sealed record JournalVersion
{
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Rest { get; set; }

    public int Version { get; init; }
}
