using System.Text.Json;
using System.Text.Json.Serialization;
using Checkpointer.Engine.Streaming;

namespace Checkpointer.Engine.Images;

/// <summary>What stands beside the images in an exported directory: where they came from, and what an import needs to make the same snapshot again. Persisted.</summary>
public sealed record ImageDirectory
{
    /// <summary>The file's name. CRIU's own names end in <c>.img</c>.</summary>
    public const string FileName = "checkpointer.json";

    public const string CurrentFormat = "checkpointer-images";

    public const int CurrentVersion = 1;

    /// <summary>Bytes of the file: the workload's record lists its mapped files.</summary>
    public const int MaxBytes = 64 << 20;

    public string Format { get; set; } = CurrentFormat;

    public int Version { get; set; } = CurrentVersion;

    public required string Snapshot { get; init; }

    public string? Name { get; set; }

    public required DateTimeOffset Created { get; init; }

    public required string Node { get; init; }

    public required string Intent { get; init; }

    public Dictionary<string, string> Labels { get; set; } = [];

    /// <summary>The workload's record as it stands in the manifest.</summary>
    public JsonElement? Workload { get; set; }

    /// <summary>Letters, digits, '.', '_' and '-', not starting with '.' or '-': no name leads out of the directory, or is taken for an option.</summary>
    public static bool IsSafeName(string name) =>
        name.Length <= ImageNames.MaxLength && name.All(char.IsAscii) && ImageNames.IsValid(System.Text.Encoding.ASCII.GetBytes(name)) && name != FileName;
}

/// <summary>The JSON of <see cref="ImageDirectory"/>.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true)]
[JsonSerializable(typeof(ImageDirectory))]
internal sealed partial class ImageJson : JsonSerializerContext;
