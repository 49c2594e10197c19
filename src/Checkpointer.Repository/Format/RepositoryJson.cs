using System.Text.Json;
using System.Text.Json.Serialization;

namespace Checkpointer.Repository;

/// <summary>The JSON of the format: names are persisted.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ConfigDocument))]
[JsonSerializable(typeof(KeyDocument))]
[JsonSerializable(typeof(KeyFileDocument))]
[JsonSerializable(typeof(ManifestDocument))]
[JsonSerializable(typeof(MarkerDocument))]
[JsonSerializable(typeof(IntentDocument))]
[JsonSerializable(typeof(LeaseDocument))]
internal sealed partial class RepositoryJson : JsonSerializerContext
{
    /// <summary>Parses or reports the object as damaged. A missing or wrong field is damage too.</summary>
    public static T Parse<T>(ReadOnlySpan<byte> json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, string name)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw Damage.Of(name, "it is empty");
        }
        catch (JsonException e)
        {
            throw Damage.Of(name, "it is not the JSON that it should be", e);
        }
    }
}

/// <summary>repository.json.</summary>
internal sealed record ConfigDocument
{
    public string? Format { get; init; }
    public int Version { get; init; }
    public string? Id { get; init; }
    public ChunkingDocument? Chunking { get; init; }
    public string? Hash { get; init; }
    public string? Mac { get; init; }
}

/// <summary>How files are cut, in repository.json.</summary>
internal sealed record ChunkingDocument
{
    public string? Algorithm { get; init; }
    public int PageSize { get; init; }
    public int MinPages { get; init; }
    public int MaxPages { get; init; }
    public int CutBits { get; init; }
}

/// <summary>keys/ID. Exactly one of <see cref="KeyFile"/> and <see cref="Passphrase"/> is there, and is the id.</summary>
internal sealed record KeyDocument
{
    public string? Format { get; init; }
    public int Version { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? KeyFile { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Passphrase { get; init; }

    public string? Repository { get; init; }
    public string? Kdf { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Iterations { get; init; }

    public string? Salt { get; init; }
    public string? Nonce { get; init; }
    public string? Wrapped { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Label { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Created { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? InfoMac { get; init; }
}

/// <summary>A key file.</summary>
internal sealed record KeyFileDocument
{
    public string? Format { get; init; }
    public int Version { get; init; }
    public string? Id { get; init; }
    public string? Secret { get; init; }
}

/// <summary>The sealed text of a manifest.</summary>
internal sealed record ManifestDocument
{
    public int Version { get; init; }
    public string? Lineage { get; init; }
    public long Generation { get; init; }
    public string? Parent { get; init; }
    public string? ParentDigest { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public OriginDocument? Origin { get; init; }

    public ContentDocument? Content { get; init; }
    public int Files { get; init; }
    public long BytesCaptured { get; init; }
    public long BytesStored { get; init; }
    public MapDocument? Map { get; init; }
}

/// <summary>Where a copied snapshot was first made.</summary>
internal sealed record OriginDocument
{
    public string? Repository { get; init; }
    public string? Digest { get; init; }
}

/// <summary>The caller's part of a manifest.</summary>
internal sealed record ContentDocument
{
    public string? Name { get; init; }
    public DateTimeOffset Created { get; init; }
    public string? Node { get; init; }
    public string? Intent { get; init; }
    public Dictionary<string, string>? Labels { get; init; }
    public JsonElement? Workload { get; init; }
}

/// <summary>Where a manifest's map is, and how its index is authenticated.</summary>
internal sealed record MapDocument
{
    public string? Id { get; init; }
    public long Length { get; init; }
    public long IndexOffset { get; init; }
    public long IndexFrame { get; init; }
    public long IndexLength { get; init; }
    public string? IndexDigest { get; init; }
}

/// <summary>The sealed text of a writer's intent.</summary>
internal sealed record IntentDocument
{
    public int Version { get; init; }
    public string? Snapshot { get; init; }
    public MapDocument? Map { get; init; }
    public string? Node { get; init; }
    public int Pid { get; init; }
    public ulong StartTime { get; init; }
    public string? BootId { get; init; }
    public ulong PidNamespace { get; init; }
}

/// <summary>The sealed text of a lease's note.</summary>
internal sealed record LeaseDocument
{
    public int Version { get; init; }
    public string? Purpose { get; init; }
    public string? Node { get; init; }
    public int Pid { get; init; }
    public ulong StartTime { get; init; }
    public string? BootId { get; init; }
    public ulong PidNamespace { get; init; }
}

/// <summary>The sealed text of a superseded marker.</summary>
internal sealed record MarkerDocument
{
    public int Version { get; init; }
    public string? Manifest { get; init; }
    public string? Reason { get; init; }
}
